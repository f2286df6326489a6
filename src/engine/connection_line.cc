#include "engine/connection_line.h"

#include "base/assert.h"

namespace mailweir::engine {

ConnectionLine::Membership ConnectionLine::membership(Trust trust) {
  switch (trust) {
    case Trust::proven:
      return {&Lane::waiting_proven, &Lane::turn_proven};
    case Trust::unknown:
      return {&Lane::waiting_unknown, &Lane::turn_unknown};
    case Trust::failing:
      return {&Lane::waiting_failing, &Lane::turn_failing};
  }
  return {};
}

WaitGroup& ConnectionLine::group_for(Provider& provider, const Lane& lane, Trust trust) {
  for (WaitGroup& group : provider.waits) {
    if (group.pool == lane.pool && group.message_class == lane.message_class &&
        group.trust == trust)
      return group;
  }
  provider.waits.push_back(
      {.pool = lane.pool, .message_class = lane.message_class, .trust = trust});
  return provider.waits.back();
}

void ConnectionLine::join_all(Hop& hop) {
  for (std::uint32_t q = hop.queues.first; q != no_index; q = lanes_.queues[q].of_hop.next) {
    if (!lanes_.queues[q].waiting && !lanes_.queues[q].recipients.empty()) join(q);
  }
}

void ConnectionLine::join(std::uint32_t q) {
  Queue& queue = lanes_.queues[q];
  WEIR_ASSERT(!queue.waiting);
  queue.waiting = true;
  queue.waiting_as = next_hops_.hops[queue.hop].trust();
  Lane& lane = lanes_.lanes[queue.lane];
  const Membership in = membership(queue.waiting_as);
  Provider& provider = next_hops_.providers[lane.provider];
  if ((lane.*in.waiting).empty()) {
    list::push_back(lanes_.lanes, in.turn, group_for(provider, lane, queue.waiting_as).lanes,
                    queue.lane);
  }
  list::push_back(lanes_.queues, &Queue::wait, lane.*in.waiting, q);
  ++provider.waiting;
}

void ConnectionLine::leave(std::uint32_t q) {
  Queue& queue = lanes_.queues[q];
  if (!queue.waiting) return;
  Lane& lane = lanes_.lanes[queue.lane];
  const Membership in = membership(queue.waiting_as);
  Provider& provider = next_hops_.providers[lane.provider];
  list::erase(lanes_.queues, &Queue::wait, lane.*in.waiting, q);
  if ((lane.*in.waiting).empty()) {
    list::erase(lanes_.lanes, in.turn, group_for(provider, lane, queue.waiting_as).lanes,
                queue.lane);
  }
  queue.waiting = false;
  --provider.waiting;
}

void ConnectionLine::leave_all(Hop& hop) {
  if (next_hops_.providers[hop.provider].waiting == 0) return;
  for (std::uint32_t q = hop.queues.first; q != no_index; q = lanes_.queues[q].of_hop.next)
    leave(q);
}

std::uint32_t ConnectionLine::front(const WaitGroup& group) const {
  if (group.lanes.empty()) return no_index;
  return (lanes_.lanes[group.lanes.first].*membership(group.trust).waiting).first;
}

void ConnectionLine::end_turn(WaitGroup& group) {
  if (group.lanes.empty()) return;
  const Membership in = membership(group.trust);
  list::rotate(lanes_.queues, &Queue::wait, lanes_.lanes[group.lanes.first].*in.waiting);
  list::rotate(lanes_.lanes, in.turn, group.lanes);
}

std::int64_t ConnectionLine::age(const WaitGroup& group, Instant now) const {
  return lanes_.age(front(group), now);
}

std::int64_t ConnectionLine::urgency(const WaitGroup& group, Instant now) const {
  return lanes_.urgency(front(group), now);
}

}  // namespace mailweir::engine
