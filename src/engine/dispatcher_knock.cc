// Sessions that carry no mail: somebody wants to know who answers.
#include <utility>

#include "engine/dispatcher.h"

namespace mailweir::engine {

void Dispatcher::knock(std::uint16_t source, std::uint32_t h, Instant now) {
  const Hop& hop = next_hops_.hops[h];
  if (paused_ || !settings_.source_at(source)) return;
  const std::uint32_t p = paths_.find(source, hop.provider);
  if (p == no_index) return;
  const Opening answer = opening(source, hop.provider, hop.trust(), pacing::Rank::bulk, now);
  // On an open path it needs no permit of a message.
  const bool is_mail_alone =
      answer.limit == pacing::Limit::learned || answer.limit == pacing::Limit::message_rate;
  if (answer.answer != Opening::Answer::yes && (paths_[p].pacer->is_held() || !is_mail_alone))
    return;
  sessions_[begin_session(h, source, now)].is_knock = true;
  ++next_hops_.hops[h].knocking;
}

void Dispatcher::give_back_reserved(std::uint32_t s, Instant now) {
  Session& session = sessions_[s];
  while (!session.transactions.empty()) {
    const auto reserved = finish(session.transactions.first, now);
    for (auto r = reserved.rbegin(); r != reserved.rend(); ++r)
      enter(*r, session.hop, Lanes::Entry::in_front);
  }
}

// A session that is opening goes on without mail.
void Dispatcher::make_knock(std::uint32_t s, Instant now) {
  give_back_reserved(s, now);
  if (std::exchange(sessions_[s].is_knock, true)) return;
  Hop& hop = next_hops_.hops[sessions_[s].hop];
  --hop.unanswered;
  ++hop.knocking;
}

}  // namespace mailweir::engine
