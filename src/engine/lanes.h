// Lanes hold what is ready to go: a lane is provider × pool × class × tenant, and has one queue for
// each next hop.
//
// At one next hop the queues of equal pool and class form a group: the most urgent group goes
// first, and within it the tenants take turns. Queues and lanes live as long as their hop.
#pragma once

#include <cstdint>

#include "engine/flat_index.h"
#include "engine/ledger.h"
#include "engine/next_hop_table.h"
#include "engine/recipient_queue.h"
#include "engine/settings.h"

namespace mailweir::engine {

struct Lane {
  std::uint32_t provider = no_index;
  std::uint32_t tenant = 0;
  std::uint32_t queues = 0;
  std::uint8_t pool = 0;
  std::uint8_t message_class = 0;
  // Waiting for a connection (ConnectionLine), by the trust their hop enjoys.
  ListEnds waiting_proven;
  ListEnds waiting_unknown;
  ListEnds waiting_failing;
  Links turn_proven;
  Links turn_unknown;
  Links turn_failing;
};

struct Queue {
  RecipientQueue recipients;
  std::uint32_t lane = no_index;
  std::uint32_t hop = no_index;
  std::uint32_t group = no_index;
  Links of_hop;  // in Hop::queues
  Links turn;    // in HopGroup::turns while not empty
  Links wait;    // in one of Lane::waiting_*
  bool waiting = false;
  Trust waiting_as = Trust::unknown;
};

// The queues with mail of one hop, pool and class; tenants take turns.
struct HopGroup {
  ListEnds turns;
  std::uint32_t next = no_index;  // of the hop
  std::uint8_t pool = 0;
  std::uint8_t message_class = 0;
};

class Lanes {
 public:
  Lanes(Ledger& ledger, NextHopTable& table, const Settings& settings)
      : ledger_(ledger), table_(table), settings_(settings) {}

  Slab<Queue> queues;
  Slab<Lane> lanes;

  enum class Entry : std::uint8_t { behind, in_front };
  // Puts a recipient in Stage::entering into its queue at `hop`.
  void enter(std::uint32_t recipient, std::uint32_t hop, Entry entry);
  // Takes a ready recipient out of its queue; it is entering again.
  void leave(std::uint32_t recipient);
  // The queue of the hop whose turn it is among those that may use `source` and are at least as
  // urgent as `lowest`; no_index if none.
  // With `by_age` the one whose first has waited longest, whatever its class.
  std::uint32_t best_queue(const Hop& hop, std::uint16_t source, pacing::Rank lowest, bool by_age,
                           Instant now) const;
  // The queue for a held path's canary: of the least urgent class, as its loss costs least, unless
  // what would go from there has been refused `refusals_borne` times. Else as best_queue().
  std::uint32_t least_queue(const Hop& hop, std::uint16_t source, pacing::Rank lowest,
                            int refusals_borne) const;
  // Adds who waits at the hop for `source`.
  void add_demand(const Hop& hop, std::uint16_t source, pacing::Demand& demand) const;
  // The queue has had its turn.
  void end_turn(std::uint32_t queue);
  std::int64_t urgency(std::uint32_t queue, Instant now) const;  // not empty
  // That its first message is wanted delivered by; `never`: no time was set.
  Instant deadline(std::uint32_t queue) const;  // not empty
  // In the same units, without the class.
  std::int64_t age(std::uint32_t queue, Instant now) const;  // not empty
  // Whether the hop's ready messages exceed `slots` transactions.
  bool exceeds(const Hop& hop, std::uint32_t slots) const;
  // The hop goes; its queues are empty and wait for nothing.
  void forget_hop(Hop& hop);

 private:
  struct Key {
    std::uint32_t provider;
    std::uint32_t tenant;
    std::uint8_t pool;
    std::uint8_t message_class;
    std::uint64_t hash() const;
    bool is(const Lane& lane) const;
  };
  Instant waiting_since(std::uint32_t queue) const;
  std::uint32_t queue_for(std::uint32_t recipient, std::uint32_t hop);
  std::uint32_t lane_for(const Key& key);
  std::uint32_t group_for(Hop& hop, const Key& key);
  std::uint32_t make_queue(std::uint32_t lane, std::uint32_t hop, std::uint32_t group);

  Ledger& ledger_;
  NextHopTable& table_;
  const Settings& settings_;
  Slab<HopGroup> groups_;
  FlatIndex lane_index_;
  FlatIndex queue_index_;
};

}  // namespace mailweir::engine
