#include "engine/cell_table.h"

#include <algorithm>
#include <limits>

namespace mailweir::engine {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t cells_max = 10'000;
constexpr Duration unused_for = 24h;
constexpr Duration sweep_every = 1min;  // of a full table
// While a canary or a round of the ramp is on its way nobody knows when the cell opens.
constexpr Duration ask_again = 2s;
constexpr Duration slot_shortest = 10ms;
constexpr Duration slot_longest = 1s;
constexpr Duration slots_ahead = 1min;

std::uint32_t name_of(const Message& message, std::uint32_t network, CellKind kind) {
  switch (kind) {
    case CellKind::sender_domain:
      return message.sender_domain;
    case CellKind::dkim_domain:
      return message.dkim_domain;
    case CellKind::tenant:
      return message.tenant;
    case CellKind::campaign:
      return message.campaign;
    case CellKind::network:
      return network;
  }
  return no_index;
}

Duration spacing(const pacing::PathController& controller, Instant now) {
  const double pace = controller.state(now).pace;
  if (pace >= 100.0) return slot_shortest;
  return std::min<Duration>(slot_longest,
                            Duration(static_cast<std::int64_t>(1e6 / std::max(pace, 1e-3))));
}

void lift_ceiling(Cell& cell, Instant now) {
  pacing::LearningSettings settings;
  settings.concurrency_max = std::numeric_limits<std::uint32_t>::max();  // the paths have theirs
  settings.grows_freely = true;
  cell.controller->set_ceilings(settings, now);
  cell.ceiling_until = never;
  cell.next_slots = {};
}

}  // namespace

std::string_view to_string(CellKind kind) {
  switch (kind) {
    case CellKind::sender_domain:
      return "sender_domain";
    case CellKind::dkim_domain:
      return "dkim_domain";
    case CellKind::tenant:
      return "tenant";
    case CellKind::campaign:
      return "campaign";
    case CellKind::network:
      return "network";
  }
  return "tenant";
}

std::optional<CellKind> cell_kind_of(std::string_view text) {
  for (std::size_t kind = 0; kind < cell_kinds; ++kind) {
    if (text == to_string(static_cast<CellKind>(kind))) return static_cast<CellKind>(kind);
  }
  return std::nullopt;
}

std::uint32_t CellTable::find(const Key& key) const {
  return index_.find(key.hash(), [&](std::uint32_t i) {
    return cells[i].provider == key.provider && cells[i].kind == key.kind &&
           cells[i].name == key.name;
  });
}

void CellTable::release(std::uint32_t index) {
  const Cell& cell = cells[index];
  index_.erase(Key{cell.provider, cell.kind, cell.name}.hash(), index);
  cells.release(index);
  --count_;
}

CellsMet CellTable::met_by(const Message& message, std::uint32_t network,
                           std::uint32_t provider) const {
  CellsMet met;
  if (!has_any(provider)) return met;
  for (std::size_t kind = 0; kind < cell_kinds; ++kind) {
    const auto its_kind = static_cast<CellKind>(kind);
    const std::uint32_t name = name_of(message, network, its_kind);
    if (name != no_index) met.cells[kind] = find({provider, its_kind, name});
  }
  return met;
}

std::uint32_t CellTable::intern(std::uint32_t provider, CellKind kind, std::uint32_t name,
                                const pacing::LearningSettings& settings, Instant now) {
  if (provider >= by_provider_.size()) by_provider_.resize(provider + 1U);
  const Key key{provider, kind, name};
  const std::uint32_t known = find(key);
  if (known != no_index) return known;
  if (!has_room(now)) return no_index;
  const std::uint32_t index = cells.allocate();
  Cell& cell = cells[index];
  cell.provider = provider;
  cell.kind = kind;
  cell.name = name;
  cell.controller.emplace(settings, now);
  cell.controller->assume_shown(settings.start_rate);
  cell.used = now;
  by_provider_[provider].push_back(index);
  index_.insert(key.hash(), index);
  ++count_;
  return index;
}

Instant CellTable::start_at(const CellsMet& met, pacing::Rank rank, Instant now) {
  pacing::Demand demand{.waiting = {}};
  demand.waiting[static_cast<std::size_t>(rank)] = true;
  for (const std::uint32_t index : met.cells) {
    if (index == no_index) continue;
    Cell& cell = cells[index];
    if (cell.ceiling_until <= now) lift_ceiling(cell, now);
    const pacing::Permit permit = cell.controller->ask(now, cell.attempts, demand);
    if (permit.at <= now && rank <= permit.lowest) continue;
    const bool is_answer_awaited = permit.at == never ||
                                   permit.binding == pacing::Binding::canary ||
                                   permit.binding == pacing::Binding::ramp;
    const Instant again = now + ask_again;
    Instant soonest = permit.at <= now ? again : permit.at;
    if (is_answer_awaited) soonest = std::min(soonest, again);
    Instant& next_slot = cell.next_slots[rank == pacing::Rank::urgent ? 0 : 1];
    const Instant at = std::clamp(next_slot, soonest, soonest + slots_ahead);
    next_slot = at + spacing(*cell.controller, now);
    return at;
  }
  return now;
}

void CellTable::begin(const CellsMet& met, Instant now) {
  for (const std::uint32_t index : met.cells) {
    if (index == no_index) continue;
    Cell& cell = cells[index];
    cell.controller->on_start(now);
    ++cell.attempts;
    cell.used = now;
  }
}

pacing::Change CellTable::end(std::uint32_t index, const pacing::Attempt& attempt, Instant now) {
  Cell& cell = cells[index];
  --cell.attempts;
  const pacing::Change change = cell.controller->on_end(now, attempt);
  if (change == pacing::Change::released || change == pacing::Change::opened) cell.next_slots = {};
  return change;
}

bool CellTable::has_room(Instant now) {
  if (count_ >= cells_max && now - swept_at_ >= sweep_every) {
    swept_at_ = now;
    for (std::uint32_t provider = 0; provider < by_provider_.size(); ++provider)
      sweep(provider, now);
  }
  return count_ < cells_max;
}

void CellTable::sweep(std::uint32_t provider, Instant now) {
  if (!has_any(provider)) return;
  std::erase_if(by_provider_[provider], [&](std::uint32_t index) {
    const Cell& cell = cells[index];
    const bool rests = cell.attempts == 0 && cell.controller->mode() == pacing::Mode::open &&
                       cell.used + unused_for <= now;
    if (rests) release(index);
    return rests;
  });
}

void CellTable::forget_provider(std::uint32_t provider) {
  if (!has_any(provider)) return;
  for (const std::uint32_t index : by_provider_[provider]) release(index);
  by_provider_[provider].clear();
}

}  // namespace mailweir::engine
