#include "engine/host_cells.h"

#include <algorithm>

namespace mailweir::engine {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t cells_max = 10'000;
constexpr Duration unused_for = 24h;
constexpr Duration knock_goes_first = 1s;

pacing::Demand demand_of(pacing::Rank rank) {
  pacing::Demand demand{.waiting = {}};
  demand.waiting[static_cast<std::size_t>(rank)] = true;
  return demand;
}

}  // namespace

std::uint32_t HostCells::find(std::uint32_t path, std::string_view host) const {
  if (!has_any(path)) return no_index;
  const auto& cells = of_path_[path];
  const auto found =
      std::ranges::find_if(cells, [&](std::uint32_t cell) { return cells_[cell].host == host; });
  return found == cells.end() ? no_index : *found;
}

bool HostCells::has_room(std::uint32_t path, std::string_view host) const {
  return count_ < cells_max || find(path, host) != no_index;
}

std::uint32_t HostCells::intern(std::uint32_t path, std::string_view host,
                                const pacing::LearningSettings& settings, Instant now) {
  const std::uint32_t known = find(path, host);
  if (known != no_index) return known;
  drop_if(path, [&](const HostCell& cell) {
    return cell.controller->mode() == pacing::Mode::open && cell.used + unused_for <= now;
  });
  if (count_ >= cells_max) return no_index;
  if (path >= of_path_.size()) of_path_.resize(path + 1U);
  const std::uint32_t index = cells_.allocate();
  HostCell& cell = cells_[index];
  cell.path = path;
  cell.host = host;
  cell.controller.emplace(settings, now);
  cell.controller->assume_shown(settings.start_rate);
  cell.used = now;
  of_path_[path].push_back(index);
  ++count_;
  return index;
}

bool HostCells::is_silent(const HostCell& cell, Instant now) {
  const pacing::LearnedState state = cell.controller->state(now);
  return state.mode == pacing::Mode::held && state.cause == pacing::HoldCause::network;
}

bool HostCells::stands_out(std::uint32_t path, std::string_view host) const {
  const std::uint32_t cell = find(path, host);
  return cell != no_index && cells_[cell].controller->mode() != pacing::Mode::open;
}

Instant HostCells::open_at(const HostCell& cell, Instant now) {
  const pacing::Permit permit = cell.controller->peek(now, cell.attempts, {});
  return std::max(permit.at, is_silent(cell, now) ? now + knock_goes_first : now);
}

std::vector<std::string> HostCells::shut(std::uint32_t path, Hosts hosts, Instant now) const {
  std::vector<std::string> shut;
  for (const auto& host : hosts) {
    const std::uint32_t cell = find(path, host.name);
    if (cell != no_index && open_at(cells_[cell], now) > now) shut.push_back(host.name);
  }
  return shut;
}

Instant HostCells::open_at(std::uint32_t path, Hosts hosts, Instant now) const {
  Instant soonest = has_any(path) ? never : now;
  for (const auto& host : hosts) {
    const std::uint32_t cell = find(path, host.name);
    soonest = std::min(soonest, cell == no_index ? now : open_at(cells_[cell], now));
  }
  return soonest;
}

HostCells::Canary HostCells::next_canary(std::uint32_t path, Hosts hosts, CanaryKind kind,
                                         Instant now) {
  Canary next;
  for (const auto& host : hosts) {
    const std::uint32_t index = find(path, host.name);
    if (index == no_index || cells_[index].controller->mode() != pacing::Mode::held) continue;
    if (is_silent(index, now) != (kind == CanaryKind::knock)) continue;
    const pacing::Permit permit = cells_[index].controller->ask(now, cells_[index].attempts, {});
    if (permit.at < next.at) next = {index, permit.at};
  }
  return next;
}

Instant HostCells::start_at(std::uint32_t index, pacing::Rank rank, Instant now) {
  HostCell& cell = cells_[index];
  const pacing::Permit permit = cell.controller->ask(now, cell.attempts, demand_of(rank));
  if (permit.at <= now && rank > permit.lowest) return now + 1s;
  return permit.at;
}

void HostCells::begin(std::uint32_t index, Instant now) {
  HostCell& cell = cells_[index];
  cell.controller->on_start(now);
  ++cell.attempts;
  cell.used = now;
}

pacing::Change HostCells::end(std::uint32_t index, const pacing::Attempt& attempt, Instant now) {
  HostCell& cell = cells_[index];
  --cell.attempts;
  return cell.controller->on_end(now, attempt);
}

template <class Condition>
void HostCells::drop_if(std::uint32_t path, Condition condition) {
  if (!has_any(path)) return;
  count_ -= std::erase_if(of_path_[path], [&](std::uint32_t index) {
    // What has an attempt under way is asked for when that ends.
    if (cells_[index].attempts > 0 || !condition(cells_[index])) return false;
    cells_.release(index);
    return true;
  });
}

void HostCells::forget_path(std::uint32_t path, const pacing::LearningSettings& settings,
                            Instant now) {
  drop_if(path, [](const HostCell&) { return true; });
  if (!has_any(path)) return;
  for (const std::uint32_t cell : of_path_[path]) cells_[cell].controller->forget(settings, now);
}

void HostCells::clear_doubts(std::uint32_t path) {
  drop_if(path, [](const HostCell& cell) {
    const pacing::LearnedState state = cell.controller->state(cell.used);
    return state.mode == pacing::Mode::open && state.episodes == 0;
  });
}

}  // namespace mailweir::engine
