#include "engine/mail_choice.h"

namespace mailweir::engine {

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
  return deadline != never && deadline - now <= now - path.notes->episode;
}

std::uint32_t MailChoice::next_queue(const Hop& hop, const Path& path, pacing::Rank lowest,
                                     Instant now) const {
  const std::uint32_t best =
      lanes_.best_queue(hop, path.source, lowest, is_turn_of_oldest(path), now);
  if (best == no_index || !asks_blindly(path) || presses(best, path, now)) return best;
  return lanes_.least_queue(hop, path.source, lowest);
}

std::uint32_t MailChoice::next_recipient(std::uint32_t queue, const Path& path, Instant now) const {
  const RecipientQueue& recipients = lanes_.queues[queue].recipients;
  // With cells the first has been looked at, and no other.
  const bool is_free_choice =
      asks_blindly(path) && !presses(queue, path, now) && !cells_.has_any(path.provider);
  return is_free_choice ? recipients.smallest(ledger_) : recipients.first(ledger_);
}

}  // namespace mailweir::engine
