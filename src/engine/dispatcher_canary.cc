// Which message asks a held path whether it is open again. Most canaries are refused, and where
// nobody answers what is sent hangs: so a small message goes that is not urgent, unless a deadline
// says otherwise. Once one was accepted, every permit is a delivery and the urgent go first.
#include "engine/dispatcher.h"

namespace mailweir::engine {

bool Dispatcher::asks_blindly(const Path& path) const {
  return path.pacer->is_held() && path.notes != nullptr &&
         !path.pacer->controller()->has_accepted_canary();
}

// The canary after this one is about as far away as the hold is long by now.
bool Dispatcher::presses(std::uint32_t queue, const Path& path, Instant now) const {
  const Instant deadline = lanes_.deadline(queue);
  return deadline != never && deadline - now <= now - path.notes->episode;
}

std::uint32_t Dispatcher::next_queue(const Hop& hop, const Path& path, pacing::Rank lowest,
                                     Instant now) const {
  const std::uint32_t best =
      lanes_.best_queue(hop, path.source, lowest, is_turn_of_oldest(path), now);
  if (best == no_index || !asks_blindly(path) || presses(best, path, now)) return best;
  return lanes_.least_queue(hop, path.source, lowest);
}

// For which queue a connection that is the canary itself is opened, if `queue` is the most urgent.
std::uint32_t Dispatcher::canary_in_line(std::uint32_t queue, std::uint16_t source, Instant now) {
  const std::uint32_t provider = lanes_.lanes[lanes_.queues[queue].lane].provider;
  const std::uint32_t p = paths_.find(source, provider);
  if (p == no_index) return queue;
  const Path& path = paths_[p];
  // Only this one's cells have been looked at.
  if (!asks_blindly(path) || presses(queue, path, now) || cells_.table.has_any(provider))
    return queue;
  const pacing::Rank lowest = path.pacer->peek_attempt(now, demand_of(path, rank_of(queue))).lowest;
  std::uint32_t least = queue;
  for (const WaitGroup& group : next_hops_.providers[provider].waits) {
    if (group.lanes.empty() || !settings_.pool_has(group.pool, source) ||
        !path.has_share_for(group.trust) || settings_.rank(group.message_class) > lowest)
      continue;
    const std::uint8_t known = lanes_.lanes[lanes_.queues[least].lane].message_class;
    const bool is_less = settings_.message_class(group.message_class).priority <
                         settings_.message_class(known).priority;
    if (is_less && wants_session(lanes_.queues[line_.front(group)].hop, now))
      least = line_.front(group);
  }
  return least;
}

// The message of the queue that goes next over the path.
std::uint32_t Dispatcher::next_recipient(std::uint32_t queue, const Path& path, Instant now) const {
  const RecipientQueue& recipients = lanes_.queues[queue].recipients;
  // With cells the first has been looked at, and no other.
  const bool is_free_choice =
      asks_blindly(path) && !presses(queue, path, now) && !cells_.table.has_any(path.provider);
  return is_free_choice ? recipients.smallest(ledger_) : recipients.first(ledger_);
}

}  // namespace mailweir::engine
