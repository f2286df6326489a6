// What was learned is dropped at an operator's word, and given back at another.
#include <algorithm>
#include <set>

#include "engine/engine_state.h"

namespace mailweir::engine {
namespace {

bool is_meant(const PathName& wanted, std::string_view source, std::string_view provider) {
  return (wanted.source.empty() || wanted.source == source) &&
         (wanted.provider.empty() || wanted.provider == provider);
}

}  // namespace

std::size_t Forgotten::hosts() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      images, [](const auto& image) { return image.first.source.starts_with(host_mark); }));
}

std::map<PathName, std::vector<std::string>> Forgotten::hosts_by_path() const {
  std::map<PathName, std::vector<std::string>> hosts;
  for (auto image = images.lower_bound({std::string(host_mark), {}});
       image != images.end() && image->first.source.starts_with(host_mark); ++image) {
    const auto& [name, provider] = image->first;
    const std::size_t space = name.rfind(' ');  // before the source
    hosts[{name.substr(space + 1), provider}].push_back(
        name.substr(host_mark.size(), space - host_mark.size()));
  }
  return hosts;
}

std::vector<PathName> Engine::known_paths(const PathName& wanted) const {
  if (!wanted.source.empty() && !wanted.provider.empty()) return {wanted};
  const State& s = *state_;
  const PathTable& table = s.dispatcher.paths();
  std::set<PathName> known;
  for (std::uint32_t p = 0; p < table.paths.extent(); ++p) {
    const Path& path = table[p];
    if (path.provider == no_index) continue;
    const std::string& source = s.settings.source_name(path.source);
    const std::string& provider = s.next_hops.providers[path.provider].key();
    if (is_meant(wanted, source, provider)) known.insert({source, provider});
  }
  for (PathName& name : table.names_of_images()) {
    if (!name.source.starts_with(cell_mark) && is_meant(wanted, name.source, name.provider))
      known.insert(std::move(name));
  }
  return {known.begin(), known.end()};
}

void Engine::State::forget_cells(const std::string& wanted, Forgotten& forgotten, Instant now) {
  PathTable& table = dispatcher.path_table();
  std::set<std::string> waiting;
  for (PathName& name : table.names_of_images()) {
    if (wanted.empty() || wanted == name.provider) waiting.insert(std::move(name.provider));
  }
  for (const std::string& provider : waiting)
    table.forget_images_of_cells(provider, forgotten, now);
  for (std::uint32_t p = 0; p < next_hops.providers.extent(); ++p) {
    const Provider& provider = next_hops.providers[p];
    if (provider.names.empty() || (!wanted.empty() && wanted != provider.key())) continue;
    dispatcher.cells().forget(p, forgotten, now);
  }
}

Forgotten Engine::forget(const PathName& wanted, Instant now) {
  State& s = *state_;
  Forgotten forgotten;
  if (wanted.source.empty()) s.forget_cells(wanted.provider, forgotten, now);
  for (const PathName& path : known_paths(wanted)) {
    const std::size_t before = forgotten.images.size();
    s.dispatcher.path_table().forget_images(path, forgotten, now);
    const std::uint32_t p = s.dispatcher.paths().find(path.source, path.provider);
    if (p != no_index) s.dispatcher.forget_path(p, forgotten, now);
    if (forgotten.images.size() > before) forgotten.paths.push_back(path);
  }
  s.dispatcher.run(now);
  return forgotten;
}

void Engine::keep_anew(const std::vector<PathName>& names, Instant now) {
  for (const PathName& name : names) state_->dispatcher.keep(name, now);
}

void Engine::recall(const PathName& of, const std::string& image, Duration age, Instant now) {
  State& s = *state_;
  std::vector<std::uint32_t> reserved;
  if (s.dispatcher.recall(of, image, now - age, reserved, now)) {
    for (const std::uint32_t r : reserved) s.requeue(r, now);
    s.dispatcher.run(now);
    return;
  }
  std::string waiting = s.dispatcher.path_table().recall_image(of, image, now - age, now);
  if (!waiting.empty()) s.orders.emplace_back(KeepPath{of.source, of.provider, std::move(waiting)});
}

}  // namespace mailweir::engine
