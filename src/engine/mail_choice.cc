#include "engine/mail_choice.h"

#include <limits>

namespace mailweir::engine {
namespace {

// A message may be refused for its own sake, read as if the path were: when it has asked so often,
// and the hold lasts, another one asks.
constexpr int often_refused = 3;
// … but where one in two is refused, what waits longest goes first as long as chance explains it.
constexpr int refused_beyond_chance = 6;
constexpr Duration long_hold = std::chrono::minutes(10);

}  // namespace

pacing::Rank MailChoice::rank_of(std::uint32_t queue) const {
  return settings_.rank(lanes_.lanes[lanes_.queues[queue].lane].message_class);
}

bool MailChoice::is_turn_of_oldest(const Path& path) const {
  return settings_.has_urgent() && path.turns % 8 == 7;
}

bool MailChoice::asks_blindly(const Path& path) const {
  return path.pacer->is_held() && path.notes != nullptr &&
         !path.pacer->controller()->has_accepted_canary();
}

// The canary after this one is about as far away as the hold is long by now.
bool MailChoice::presses(std::uint32_t queue, const Path& path, Instant now) const {
  const Instant deadline = lanes_.deadline(queue);
  const std::uint32_t first = lanes_.queues[queue].recipients.first(ledger_);
  return deadline != never && deadline - now <= now - path.notes->episode &&
         ledger_.recipients[first].refusals < refusals_borne(path, now);
}

int MailChoice::refusals_borne(const Path& path, Instant now) const {
  return now - path.notes->episode < long_hold ? std::numeric_limits<int>::max() : often_refused;
}

std::uint32_t MailChoice::next_queue(const Hop& hop, const Path& path, pacing::Rank lowest,
                                     Instant now) const {
  const std::uint32_t best =
      lanes_.best_queue(hop, path.source, lowest, is_turn_of_oldest(path), now);
  if (best == no_index || !asks_blindly(path) || presses(best, path, now)) return best;
  return lanes_.least_queue(hop, path.source, lowest, refusals_borne(path, now));
}

std::uint32_t MailChoice::next_recipient(std::uint32_t queue, const Path& path, Instant now) const {
  const RecipientQueue& recipients = lanes_.queues[queue].recipients;
  const std::uint32_t first = recipients.first(ledger_);
  // With cells the first has been looked at, and no other.
  if (!path.pacer->is_held() || cells_.has_any(path.provider)) return first;
  const bool is_free_choice = asks_blindly(path) && !presses(queue, path, now);
  const bool stands_aside = ledger_.recipients[first].refusals >= refused_beyond_chance;
  return is_free_choice || stands_aside ? recipients.least(ledger_) : first;
}

}  // namespace mailweir::engine
