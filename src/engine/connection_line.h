// The ConnectionLine says which next hop of a provider gets the next connection.
//
// Queues with mail that no session covers wait here, by pool and class; the most urgent group goes
// first, within it tenants take turns, and within a tenant its next hops: so one hop can neither
// take all connections nor be left out. Hops that have never answered wait apart, as only part of a
// path's connections may be spent on finding out.
#pragma once

#include <cstdint>

#include "engine/lanes.h"
#include "engine/next_hop_table.h"

namespace mailweir::engine {

class ConnectionLine {
 public:
  ConnectionLine(Lanes& lanes, NextHopTable& next_hops) : lanes_(lanes), next_hops_(next_hops) {}

  // Lines up every queue of the hop that has mail and does not wait yet.
  void join_all(Hop& hop);
  void join(std::uint32_t queue);  // has mail, does not wait
  void leave(std::uint32_t queue);
  void leave_all(Hop& hop);

  // The front of a group: whose turn it is.
  std::uint32_t front(const WaitGroup& group) const;
  // It has got a connection, or cannot have one now: the next one's turn.
  void end_turn(WaitGroup& group);
  std::int64_t urgency(const WaitGroup& group, Instant now) const;
  std::int64_t age(const WaitGroup& group, Instant now) const;

 private:
  struct Membership {
    ListEnds Lane::* waiting;
    Links Lane::* turn;
  };
  static Membership membership(Trust trust);
  WaitGroup& group_for(Provider& provider, const Lane& lane, Trust trust);

  Lanes& lanes_;
  NextHopTable& next_hops_;
};

}  // namespace mailweir::engine
