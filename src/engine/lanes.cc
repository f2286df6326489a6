#include "engine/lanes.h"

#include <utility>

#include "base/assert.h"

namespace mailweir::engine {
namespace {

std::uint64_t queue_hash(std::uint32_t lane, std::uint32_t hop) {
  return mix(static_cast<std::uint64_t>(lane) << 32 | hop);
}

}  // namespace

std::uint64_t Lanes::Key::hash() const {
  return mix((static_cast<std::uint64_t>(provider) << 32 | tenant) ^
             mix(static_cast<std::uint64_t>(pool) << 8 | message_class));
}

bool Lanes::Key::is(const Lane& lane) const {
  return lane.provider == provider && lane.tenant == tenant && lane.pool == pool &&
         lane.message_class == message_class;
}

std::uint32_t Lanes::lane_for(const Key& key) {
  const std::uint32_t known =
      lane_index_.find(key.hash(), [&](std::uint32_t i) { return key.is(lanes[i]); });
  if (known != no_index) return known;
  const std::uint32_t index = lanes.allocate();
  lanes[index].provider = key.provider;
  lanes[index].tenant = key.tenant;
  lanes[index].pool = key.pool;
  lanes[index].message_class = key.message_class;
  lane_index_.insert(key.hash(), index);
  return index;
}

std::uint32_t Lanes::group_for(Hop& hop, const Key& key) {
  for (std::uint32_t g = hop.first_group; g != no_index; g = groups_[g].next) {
    if (groups_[g].pool == key.pool && groups_[g].message_class == key.message_class) return g;
  }
  const std::uint32_t index = groups_.allocate();
  groups_[index].pool = key.pool;
  groups_[index].message_class = key.message_class;
  groups_[index].next = hop.first_group;
  hop.first_group = index;
  return index;
}

std::uint32_t Lanes::make_queue(std::uint32_t lane, std::uint32_t hop, std::uint32_t group) {
  const std::uint32_t index = queues.allocate();
  queues[index].lane = lane;
  queues[index].hop = hop;
  queues[index].group = group;
  ++lanes[lane].queues;
  list::push_back(queues, &Queue::of_hop, table_.hops[hop].queues, index);
  queue_index_.insert(queue_hash(lane, hop), index);
  return index;
}

std::uint32_t Lanes::queue_for(std::uint32_t recipient, std::uint32_t hop_index) {
  Hop& hop = table_.hops[hop_index];
  const Message& message = ledger_.messages[ledger_.recipients[recipient].message];
  const auto own_pool = settings_.pool_of_source(ledger_.recipients[recipient].bound_to);
  const std::uint8_t pool =
      own_pool.value_or(settings_.effective_pool(message.pool, message.message_class));
  const Key key{hop.provider, message.tenant, pool,
                static_cast<std::uint8_t>(message.message_class)};
  // The next message is mostly like the last.
  if (hop.last_queue != no_index && key.is(lanes[queues[hop.last_queue].lane]))
    return hop.last_queue;
  const std::uint32_t lane = lane_for(key);
  std::uint32_t queue = queue_index_.find(queue_hash(lane, hop_index), [&](std::uint32_t i) {
    return queues[i].lane == lane && queues[i].hop == hop_index;
  });
  if (queue == no_index) queue = make_queue(lane, hop_index, group_for(hop, key));
  hop.last_queue = queue;
  return queue;
}

void Lanes::enter(std::uint32_t recipient, std::uint32_t hop_index, Entry entry) {
  const std::uint32_t q = queue_for(recipient, hop_index);
  Queue& queue = queues[q];
  if (queue.recipients.empty()) {
    list::push_back(queues, &Queue::turn, groups_[queue.group].turns, q);
  }
  if (entry == Entry::behind) {
    queue.recipients.push(ledger_, recipient);
  } else {
    queue.recipients.push_again(ledger_, recipient);
  }
  ledger_.recipients[recipient].place = q;
  ledger_.move(recipient, Stage::ready);
  ++table_.hops[hop_index].ready;
  ++table_.providers[table_.hops[hop_index].provider].ready;
}

void Lanes::leave(std::uint32_t recipient) {
  WEIR_ASSERT(ledger_.recipients[recipient].stage == Stage::ready);
  const std::uint32_t q = ledger_.recipients[recipient].place;
  Queue& queue = queues[q];
  queue.recipients.erase(ledger_, recipient);
  if (queue.recipients.empty()) list::erase(queues, &Queue::turn, groups_[queue.group].turns, q);
  --table_.hops[queue.hop].ready;
  --table_.providers[table_.hops[queue.hop].provider].ready;
  ledger_.move(recipient, Stage::entering);
}

std::uint32_t Lanes::least_queue(const Hop& hop, std::uint16_t source, pacing::Rank lowest,
                                 int refusals_borne) const {
  constexpr int looked_at = 12;  // of a group's tenants
  std::uint32_t least = no_index;
  std::pair<bool, int> least_loss{};
  for (std::uint32_t g = hop.first_group; g != no_index; g = groups_[g].next) {
    const HopGroup& group = groups_[g];
    if (!settings_.pool_has(group.pool, source)) continue;
    if (settings_.rank(group.message_class) > lowest) continue;
    const int priority = settings_.message_class(group.message_class).priority;
    std::uint32_t q = group.turns.first;
    for (int i = 0; i < looked_at && q != no_index; ++i, q = queues[q].turn.next) {
      const std::uint32_t first = queues[q].recipients.least(ledger_);
      const std::pair loss{ledger_.recipients[first].refusals >= refusals_borne, priority};
      if (least != no_index && loss >= least_loss) continue;
      least = q;
      least_loss = loss;
    }
  }
  return least;
}

Instant Lanes::deadline(std::uint32_t q) const {
  return ledger_.messages[ledger_.recipients[queues[q].recipients.first(ledger_)].message]
      .deadline();
}

// Since when the queue's first waits. A retried one leads its queue by its deadline, and must not
// make those behind it look as if they had just come.
Instant Lanes::waiting_since(std::uint32_t q) const {
  const Recipient& first = ledger_.recipients[queues[q].recipients.first(ledger_)];
  const Message& message = ledger_.messages[first.message];
  return message.deadline() == never ? first.due : std::min(first.due, message.accepted);
}

std::int64_t Lanes::urgency(std::uint32_t q, Instant now) const {
  return settings_.urgency(lanes[queues[q].lane].message_class, waiting_since(q), now);
}

std::int64_t Lanes::age(std::uint32_t q, Instant now) const {
  return (now - waiting_since(q)).count();
}

void Lanes::add_demand(const Hop& hop, std::uint16_t source, pacing::Demand& demand) const {
  for (std::uint32_t g = hop.first_group; g != no_index; g = groups_[g].next) {
    const HopGroup& group = groups_[g];
    if (group.turns.empty() || !settings_.pool_has(group.pool, source)) continue;
    demand.waiting[static_cast<std::size_t>(settings_.rank(group.message_class))] = true;
  }
}

std::uint32_t Lanes::best_queue(const Hop& hop, std::uint16_t source, pacing::Rank lowest,
                                bool by_age, Instant now) const {
  std::uint32_t best = no_index;
  std::int64_t best_urgency = 0;
  for (std::uint32_t g = hop.first_group; g != no_index; g = groups_[g].next) {
    const HopGroup& group = groups_[g];
    if (group.turns.empty() || !settings_.pool_has(group.pool, source)) continue;
    if (settings_.rank(group.message_class) > lowest) continue;
    if (best == no_index && group.next == no_index)
      return group.turns.first;  // no one to compare with
    const std::int64_t its_urgency =
        by_age ? age(group.turns.first, now) : urgency(group.turns.first, now);
    if (best == no_index || its_urgency > best_urgency) {
      best = group.turns.first;
      best_urgency = its_urgency;
    }
  }
  return best;
}

void Lanes::end_turn(std::uint32_t q) {
  ListEnds& turns = groups_[queues[q].group].turns;
  if (turns.first == q) list::rotate(queues, &Queue::turn, turns);
}

bool Lanes::exceeds(const Hop& hop, std::uint32_t slots) const {
  if (slots == 0) return hop.ready > 0;
  std::uint32_t counted = 0;
  for (std::uint32_t g = hop.first_group; g != no_index; g = groups_[g].next) {
    for (std::uint32_t q = groups_[g].turns.first; q != no_index; q = queues[q].turn.next) {
      counted += queues[q].recipients.count_messages(ledger_, slots - counted);
      if (counted > slots) return true;
    }
  }
  return false;
}

void Lanes::forget_hop(Hop& hop) {
  while (!hop.queues.empty()) {
    const std::uint32_t q = hop.queues.first;
    const Queue& queue = queues[q];
    WEIR_ASSERT(queue.recipients.empty() && !queue.waiting);
    queue_index_.erase(queue_hash(queue.lane, queue.hop), q);
    Lane& lane = lanes[queue.lane];
    if (--lane.queues == 0) {
      lane_index_.erase(Key{lane.provider, lane.tenant, lane.pool, lane.message_class}.hash(),
                        queue.lane);
      lanes.release(queue.lane);
    }
    list::erase(queues, &Queue::of_hop, hop.queues, q);
    queues.release(q);
  }
  while (hop.first_group != no_index) {
    const std::uint32_t next = groups_[hop.first_group].next;
    groups_.release(hop.first_group);
    hop.first_group = next;
  }
}

}  // namespace mailweir::engine
