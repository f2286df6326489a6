// The CellTable holds what is narrower than a path: a sender's domain, a signing domain, a tenant
// or a campaign at one provider; and what is wider: a network of ours whose addresses the provider
// counts together. A cell is opened when a refusal names that scope; its mail then waits at its
// pace, from whatever source, and nobody else's does.
//
// Each cell is a PathController of its own. A provider without cells costs nothing. Not
// thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/flat_index.h"
#include "engine/intrusive_list.h"
#include "engine/last_refusal.h"
#include "engine/message_record.h"
#include "engine/name_table.h"
#include "engine/slab.h"
#include "pacing/path_controller.h"

namespace mailweir::engine {

enum class CellKind : std::uint8_t { sender_domain, dkim_domain, tenant, campaign, network };
inline constexpr std::size_t cell_kinds = 5;
std::string_view to_string(CellKind kind);
std::optional<CellKind> cell_kind_of(std::string_view text);
// Before the name of a cell where else the name of a source stands (KeepPath).
inline constexpr std::string_view cell_mark = "@";

struct Cell {
  std::uint32_t provider = no_index;  // no_index: the slot is free
  CellKind kind = CellKind::sender_domain;
  std::uint32_t name = 0;  // in Ledger: a tenant's, a campaign's, else in mail_domains
  std::optional<pacing::PathController> controller;
  std::uint32_t attempts = 0;  // under way
  // Of those that wait: they come back one by one, urgent mail in a row of its own.
  std::array<Instant, 2> next_slots{};
  Instant used{};
  Instant ceiling_until = never;  // a suspect's ceiling; never: it has none
  double ceiling = 0.0;           // … messages per second
  LastRefusal last;               // that named it
};

// The cells that one message meets at a provider, by kind; no_index: none.
struct CellsMet {
  std::array<std::uint32_t, cell_kinds> cells{no_index, no_index, no_index, no_index, no_index};

  bool any() const {
    return std::ranges::any_of(cells, [](std::uint32_t cell) { return cell != no_index; });
  }
};

class CellTable {
 public:
  Slab<Cell, 4> cells;

  bool has_any(std::uint32_t provider) const {
    return provider < by_provider_.size() && !by_provider_[provider].empty();
  }
  // `network`: the name of the one that holds all its pool's sources; no_index: none does.
  CellsMet met_by(const Message& message, std::uint32_t network, std::uint32_t provider) const;
  // Whether one more may be opened: there are 10,000 at most. A full table first drops what sweep()
  // would, everywhere.
  bool has_room(Instant now);
  // no_index: there is none.
  std::uint32_t find(std::uint32_t provider, CellKind kind, std::uint32_t name) const {
    return find(Key{provider, kind, name});
  }
  // Opens one, or finds it; no_index: there is no room.
  std::uint32_t intern(std::uint32_t provider, CellKind kind, std::uint32_t name,
                       const pacing::LearningSettings& settings, Instant now);

  // When the message may start; `now` or earlier: at once. Otherwise a moment of its own, so that
  // not all come back together.
  Instant start_at(const CellsMet& met, pacing::Rank rank, Instant now);
  void begin(const CellsMet& met, Instant now);
  pacing::Change end(std::uint32_t cell, const pacing::Attempt& attempt, Instant now);

  // Drops what has been open and unused for a day.
  void sweep(std::uint32_t provider, Instant now);
  template <class Visit>
  void each_of(std::uint32_t provider, Visit visit) const {
    if (!has_any(provider)) return;
    for (const std::uint32_t index : by_provider_[provider]) visit(cells[index]);
  }
  void forget_provider(std::uint32_t provider);

 private:
  struct Key {
    std::uint32_t provider;
    CellKind kind;
    std::uint32_t name;
    std::uint64_t hash() const {
      return mix(static_cast<std::uint64_t>(provider) << 32 | name) +
             static_cast<std::uint64_t>(kind);
    }
  };
  std::uint32_t find(const Key& key) const;
  void release(std::uint32_t cell);

  std::vector<std::vector<std::uint32_t>> by_provider_;
  FlatIndex index_;
  std::size_t count_ = 0;
  Instant swept_at_{};  // last, because it was full
};

}  // namespace mailweir::engine
