#include "engine/path_table.h"

#include <algorithm>
#include <ranges>

#include "base/assert.h"
#include "engine/cell_table.h"
#include "engine/host_cells.h"
#include "engine/kept_image.h"
#include "engine/recalled.h"

namespace mailweir::engine {
namespace {

double per_second(const Rate& rate) {
  return static_cast<double>(rate.events) * 1e6 / static_cast<double>(rate.period.count());
}

const Rate& slower(const Rate& a, const Rate& b) {
  return per_second(b) < per_second(a) ? b : a;
}

constexpr Duration images_kept_for = std::chrono::days(90);
constexpr std::uint64_t messages_teach = 100;

// Few messages and no refusal teach nothing that the start does not know.
bool is_worth_keeping(const Path& path, Instant now) {
  const pacing::PathController* controller = path.pacer->controller();
  if (controller == nullptr) return false;
  return path.was_known || controller->state(now).episodes > 0 ||
         path.pacer->count(pacing::Evidence::recipient_delivered) >= messages_teach;
}

std::uint16_t& count_of(std::vector<std::uint16_t>& held_by_pool, std::uint8_t pool) {
  if (pool >= held_by_pool.size()) held_by_pool.resize(pool + 1U);
  return held_by_pool[pool];
}

}  // namespace

std::string image_of(const Path& path, Instant now) {
  return join_image(path.pacer->controller()->save(now),
                    path.notes ? path.notes->last : LastRefusal{}, now);
}

bool Path::has_share_for(Trust trust) const {
  if (trust == Trust::proven) return true;
  const std::uint32_t all = pacer->caps().connections_max;
  const std::uint32_t failing = opening_by_trust[static_cast<std::size_t>(Trust::failing)];
  const std::uint32_t unknown = opening_by_trust[static_cast<std::size_t>(Trust::unknown)];
  if (trust == Trust::failing && failing >= std::max<std::uint32_t>(1, all / 4)) return false;
  return failing + unknown < std::max<std::uint32_t>(1, all / 2);
}

std::uint32_t PathTable::find(std::uint16_t source, std::uint32_t provider) const {
  const auto& of_provider = next_hops_.providers[provider].paths;
  return source < of_provider.size() ? of_provider[source] : no_index;
}

std::uint32_t PathTable::find(std::string_view source, std::string_view provider) const {
  const auto source_id = settings_.source_id(source);
  const std::uint32_t provider_id = next_hops_.find_provider(provider);
  return source_id && provider_id != no_index ? find(*source_id, provider_id) : no_index;
}

std::uint32_t PathTable::intern(std::uint16_t source, std::uint32_t provider, Instant now) {
  const std::uint32_t known = find(source, provider);
  if (known != no_index) return known;
  const std::uint32_t index = paths.allocate();
  Path& path = paths[index];
  path.source = source;
  path.provider = provider;
  const pacing::PacerSettings settings = pacer_settings(source, provider);
  path.pacer.emplace(settings, now);
  auto& of_provider = next_hops_.providers[provider].paths;
  if (source >= of_provider.size()) of_provider.resize(source + 1U, no_index);
  of_provider[source] = index;
  if (images_.empty() || !settings.learning) return index;
  const auto image =
      images_.find({settings_.source_name(source), next_hops_.providers[provider].key()});
  if (image == images_.end()) return index;
  take_up(index, image->second.bytes, image->second.as_of, now);
  images_.erase(image);
  return index;
}

bool PathTable::take_up(std::uint32_t index, std::string_view image, Instant as_of, Instant now) {
  Path& path = paths[index];
  const pacing::PacerSettings settings = pacer_settings(path.source, path.provider);
  const pacing::PathController* present = path.pacer->controller();
  const bool was_shut = present != nullptr && present->mode() != pacing::Mode::open;
  auto known = recall(image, as_of, *settings.learning,
                      {present, path.notes ? &path.notes->last : nullptr}, now);
  if (!known) return false;
  path.pacer->replace_controller(known->controller);
  path.was_known = true;
  auto notes = std::make_unique<PathNotes>();
  if (path.pacer->is_held()) {  // the episode goes on
    notes->episode = was_shut && path.notes ? path.notes->episode : now;
    path.held_at = now;
    restored_held_.push_back(index);
  }
  const bool has_notes = path.pacer->is_held() || known->last.at != Instant{};
  notes->last = std::move(known->last);
  path.notes = has_notes ? std::move(notes) : nullptr;
  return true;
}

pacing::LearningSettings PathTable::learning(std::uint16_t source, std::uint32_t provider,
                                             const pacing::PathCaps& caps) const {
  const EngineConfig& config = settings_.config();
  pacing::LearningSettings learning;
  if (config.pacing.start_rate) learning.start_rate = per_second(*config.pacing.start_rate);
  if (caps.message_rate) learning.rate_max = per_second(*caps.message_rate);
  // In messages: each connection may have so many ordered.
  learning.concurrency_max = caps.connections_max * config.transactions_ahead;
  learning.grows_freely = next_hops_.providers[provider].is_ours || !config.pacing.start_rate;
  const auto at = settings_.source_at(source);
  learning.warming = at && config.sources[*at].warming;
  const std::uint64_t salt = mix(hash_text(next_hops_.providers[provider].key()) ^ source);
  learning.salt = static_cast<std::uint32_t>(salt);
  return learning;
}

pacing::PacerSettings PathTable::pacer_settings(std::uint16_t source,
                                                std::uint32_t provider) const {
  pacing::PacerSettings result;
  result.caps = settings_.caps(source, next_hops_.providers[provider].names);
  for (const PathHand& hand : hands_) {
    if (!hand.covers(settings_.source_name(source), next_hops_.providers[provider].key())) continue;
    if (hand.action == PathHand::Action::pause) result.is_paused = true;
    if (hand.rate) {
      result.caps.message_rate =
          result.caps.message_rate ? slower(*result.caps.message_rate, *hand.rate) : *hand.rate;
    }
    if (hand.connections)
      result.caps.connections_max = std::min(result.caps.connections_max, *hand.connections);
  }
  if (settings_.config().pacing.learns) result.learning = learning(source, provider, result.caps);
  return result;
}

void PathTable::refresh_caps(std::uint32_t provider, Instant now) {
  auto& held = next_hops_.providers[provider].held_by_pool;
  held.clear();  // the pools of the sources may be others now
  for (const std::uint32_t index : next_hops_.providers[provider].paths) {
    if (index == no_index) continue;
    Path& path = paths[index];
    path.pacer->set(pacer_settings(path.source, provider), now);
    path.is_carried = path.is_carried && path.pacer->is_held();
    if (!path.is_carried) continue;
    for (const std::uint8_t pool : settings_.pools_of(path.source)) ++count_of(held, pool);
  }
}

void PathTable::forget_provider(std::uint32_t provider, Instant now) {
  const std::string& key = next_hops_.providers[provider].key();
  for (const std::uint32_t index : next_hops_.providers[provider].paths) {
    if (index == no_index) continue;
    const Path& path = paths[index];
    WEIR_ASSERT(path.pacer->connections() == 0 && path.starved.empty());
    if (is_worth_keeping(path, now))
      keep_image(settings_.source_name(path.source), key, image_of(path, now), {}, now);
    paths.release(index);
  }
  next_hops_.providers[provider].paths.clear();
}

void PathTable::keep_image(std::string source, std::string provider, std::string image,
                           Duration age, Instant now) {
  if (images_.size() + cell_images_.size() >= drop_images_at_) drop_old_images(now);
  if (source.starts_with(cell_mark)) {
    cell_images_.emplace(std::move(provider),
                         CellImage{std::move(source), std::move(image), now - age});
    return;
  }
  images_[{std::move(source), std::move(provider)}] = {std::move(image), now - age};
}

void PathTable::drop_old_images(Instant now) {
  const auto is_old = [&](const auto& entry) {
    return entry.second.as_of + images_kept_for <= now;
  };
  std::erase_if(images_, is_old);
  std::erase_if(cell_images_, is_old);
  drop_images_at_ = std::max(images_looked_at, 2 * (images_.size() + cell_images_.size()));
}

std::optional<PathTable::CellImage> PathTable::images_of_cells(const std::string& provider) {
  const auto found = cell_images_.find(provider);
  if (found == cell_images_.end()) return std::nullopt;
  CellImage taken = std::move(found->second);
  cell_images_.erase(found);
  return taken;
}

std::vector<PathName> PathTable::names_of_images() const {
  std::vector<PathName> names;
  for (const auto& [name, image] : images_) names.push_back(name);
  for (const auto& [provider, image] : cell_images_) names.push_back({image.name, provider});
  return names;
}

std::optional<PathTable::Image> PathTable::take_image(const PathName& of) {
  if (auto path = images_.extract(of)) return std::move(path.mapped());
  const auto [first, last] = cell_images_.equal_range(of.provider);
  const auto cell =
      std::find_if(first, last, [&](const auto& entry) { return entry.second.name == of.source; });
  if (cell == last) return std::nullopt;
  Image taken{std::move(cell->second.image), cell->second.as_of};
  cell_images_.erase(cell);
  return taken;
}

template <class Condition>
void PathTable::forget_cells_if(const std::string& provider, Condition condition,
                                Forgotten& forgotten, Instant now) {
  const auto [first, last] = cell_images_.equal_range(provider);
  for (auto it = first; it != last;) {
    CellImage& cell = it->second;
    const bool is_meant = condition(cell.name);
    if (is_meant) {
      forgotten.images.try_emplace({cell.name, provider},
                                   ForgottenImage{std::move(cell.image), now - cell.as_of});
    }
    it = is_meant ? cell_images_.erase(it) : std::next(it);
  }
}

void PathTable::forget_images(const PathName& path, Forgotten& forgotten, Instant now) {
  if (auto image = images_.extract(path)) {
    Image& waiting = image.mapped();
    forgotten.images.try_emplace(path,
                                 ForgottenImage{std::move(waiting.bytes), now - waiting.as_of});
  }
  const auto source = settings_.source_id(path.source);
  const std::string_view network = source ? settings_.network_of(*source) : std::string_view();
  const std::string its_network =
      std::string(cell_mark) + std::string(to_string(CellKind::network)) + ' ';
  const auto is_its = [&](std::string_view name) {
    if (name.starts_with(host_mark)) return name.ends_with(' ' + path.source);
    return !network.empty() && name.starts_with(its_network) &&
           name.substr(its_network.size()) == network;
  };
  forget_cells_if(path.provider, is_its, forgotten, now);
}

void PathTable::forget_images_of_cells(const std::string& provider, Forgotten& forgotten,
                                       Instant now) {
  const auto is_wider = [](std::string_view name) { return !name.starts_with(host_mark); };
  for (const auto [first, last] = cell_images_.equal_range(provider);
       const auto& [key, cell] : std::ranges::subrange(first, last)) {
    if (is_wider(cell.name))
      forgotten.cells.push_back({cell.name.substr(cell_mark.size()), provider});
  }
  forget_cells_if(provider, is_wider, forgotten, now);
}

std::string PathTable::recall_image(const PathName& of, std::string_view image, Instant as_of,
                                    Instant now) {
  const auto waiting = take_image(of);
  const auto present = waiting ? recall(waiting->bytes, waiting->as_of, {}, {}, now) : std::nullopt;
  auto known = recall(image, as_of, {},
                      present ? Present{&present->controller, &present->last} : Present{}, now);
  if (!known) {
    if (waiting) keep_image(of.source, of.provider, waiting->bytes, now - waiting->as_of, now);
    return {};
  }
  std::string bytes = join_image(known->controller.save(now), known->last, now);
  keep_image(of.source, of.provider, bytes, {}, now);
  return bytes;
}

void PathTable::set_hand(PathHand hand) {
  remove_hand(hand.id);
  hands_.push_back(std::move(hand));
}

bool PathTable::remove_hand(std::uint64_t id) {
  return std::erase_if(hands_, [&](const PathHand& hand) { return hand.id == id; }) > 0;
}

std::vector<std::uint64_t> PathTable::bind_hands(std::string_view domain,
                                                 const std::string& provider) {
  std::vector<std::uint64_t> changed;
  for (PathHand& hand : hands_) {
    if (!hand.names_domain || hand.provider != domain || hand.bound == provider) continue;
    hand.bound = provider;
    changed.push_back(hand.id);
  }
  return changed;
}

std::optional<Instant> PathTable::pauses_end(std::uint16_t source, std::uint32_t provider) const {
  std::optional<Instant> end;
  for (const PathHand& hand : hands_) {
    if (hand.action != PathHand::Action::pause ||
        !hand.covers(settings_.source_name(source), next_hops_.providers[provider].key()))
      continue;
    end = end ? std::max(*end, hand.until) : hand.until;
  }
  return end;
}

std::vector<PathHand> PathTable::expire_hands(Instant now) {
  std::vector<PathHand> ended;
  std::erase_if(hands_, [&](const PathHand& hand) {
    if (hand.until > now) return false;
    ended.push_back(hand);
    return true;
  });
  return ended;
}

Instant PathTable::next_hand_end() const {
  Instant soonest = never;
  for (const PathHand& hand : hands_) soonest = std::min(soonest, hand.until);
  return soonest;
}

bool PathTable::carries_others(const Path& path) const {
  const auto& held = next_hops_.providers[path.provider].held_by_pool;
  if (held.empty()) return false;
  const std::uint16_t own = path.is_carried ? 1 : 0;
  const auto pools = settings_.pools_of(path.source);
  return std::any_of(pools.begin(), pools.end(),
                     [&](std::uint8_t pool) { return pool < held.size() && held[pool] > own; });
}

void PathTable::set_carried(std::uint32_t index, bool is_carried) {
  Path& path = paths[index];
  if (path.is_carried == is_carried) return;
  path.is_carried = is_carried;
  auto& held = next_hops_.providers[path.provider].held_by_pool;
  for (const std::uint8_t pool : settings_.pools_of(path.source)) {
    if (is_carried) {
      ++count_of(held, pool);
    } else {
      --count_of(held, pool);
    }
  }
}

}  // namespace mailweir::engine
