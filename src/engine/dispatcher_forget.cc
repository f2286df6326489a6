// What was learned is dropped at an operator's word, and comes back at another.
#include "engine/dispatcher.h"

namespace mailweir::engine {

void Dispatcher::forget_path(std::uint32_t p, Forgotten& forgotten, Instant now) {
  Path& path = paths_[p];
  if (path.pacer->controller() == nullptr) return;
  PathName name{settings_.source_name(path.source), next_hops_.providers[path.provider].key()};
  forgotten.images.try_emplace(std::move(name), ForgottenImage{image_of(path, now), {}});
  const pacing::PacerSettings settings = paths_.pacer_settings(path.source, path.provider);
  path.pacer->controller()->forget(*settings.learning, now);
  path.notes.reset();
  path.was_known = false;
  paths_.set_carried(p, false);
  suspects_.forget(p);
  cells_.forget_network(p, forgotten, now);
  hosts_.forget(p, forgotten, now);
  agenda_.mark_path(p);
  agenda_.mark_provider(path.provider);
}

bool Dispatcher::recall(const PathName& of, const std::string& image, Instant as_of,
                        std::vector<std::uint32_t>& reserved, Instant now) {
  const std::uint32_t provider = next_hops_.find_provider(of.provider);
  if (provider == no_index) return false;
  const std::string_view name = of.source;
  const bool is_host = name.starts_with(host_mark);
  if (is_host || name.starts_with(cell_mark)) {
    const bool is_known =
        is_host ? hosts_.adopt(provider, name.substr(host_mark.size()), image, as_of, now)
                : cells_.adopt(provider, name.substr(cell_mark.size()), image, as_of, now);
    if (is_known) keep(of, now);
    agenda_.mark_provider(provider);
    return is_known;
  }
  const std::uint32_t p = paths_.find(name, of.provider);
  if (p == no_index || paths_[p].pacer->controller() == nullptr) return false;
  const bool was_held = paths_[p].pacer->is_held();
  if (!paths_.take_up(p, image, as_of, now)) return false;
  if (!paths_[p].pacer->is_held()) paths_.set_carried(p, false);
  if (paths_[p].pacer->is_held() && !was_held) {
    mode_changed(p, pacing::Change::held, now);
    give_back_openings(p, reserved, now);
  }
  watch_.keep(p, now);
  agenda_.mark_path(p);
  agenda_.mark_provider(provider);
  return true;
}

void Dispatcher::keep(const PathName& of, Instant now) {
  const std::string_view name = of.source;
  if (name.starts_with(host_mark)) return hosts_.keep(of, name.substr(host_mark.size()), now);
  if (name.starts_with(cell_mark)) return cells_.keep(of, name.substr(cell_mark.size()), now);
  const std::uint32_t p = paths_.find(name, of.provider);
  if (p == no_index || paths_[p].pacer->controller() == nullptr) {
    orders_.emplace_back(KeepPath{of.source, of.provider, {}});
  } else {
    watch_.keep(p, now);
  }
}

}  // namespace mailweir::engine
