// Sessions that carry no mail: somebody wants to know who answers.
#include <utility>

#include "engine/dispatcher.h"

namespace mailweir::engine {

bool Dispatcher::knock(std::uint16_t source, std::uint32_t h, std::string_view host, Instant now) {
  return knock(source, h, Aim{.is_knock = true, .host = std::string(host)}, now);
}

bool Dispatcher::knock(std::uint16_t source, std::uint32_t h, Aim aim, Instant now) {
  const Hop& hop = next_hops_.hops[h];
  if (paused_ || !settings_.source_at(source)) return false;
  const std::uint32_t p = paths_.find(source, hop.provider);
  if (p == no_index) return false;
  const Opening answer = opening(source, hop.provider, hop.trust(), pacing::Rank::bulk, now);
  // On an open path it needs no permit of a message.
  const bool is_mail_alone =
      (answer.limit == pacing::Limit::learned || answer.limit == pacing::Limit::message_rate) &&
      !paths_[p].pacer->is_held() && !paths_[p].pacer->is_short_of_connections();
  if (answer.answer != Opening::Answer::yes && !is_mail_alone) return false;
  begin_session(h, source, std::move(aim), now);
  return true;
}

void Dispatcher::take_reserved(std::uint32_t s, std::vector<std::uint32_t>& taken, Instant now) {
  Session& session = sessions_[s];
  while (!session.transactions.empty()) {
    const auto reserved = finish(session.transactions.first, now);
    taken.insert(taken.end(), reserved.rbegin(), reserved.rend());
  }
}

// A session that is opening goes on without mail.
void Dispatcher::make_knock(std::uint32_t s, std::vector<std::uint32_t>& taken, Instant now) {
  take_reserved(s, taken, now);
  end_host_canary(sessions_[s], now);
  if (std::exchange(sessions_[s].is_knock, true)) return;
  Hop& hop = next_hops_.hops[sessions_[s].hop];
  --hop.unanswered;
  ++hop.knocking;
}

}  // namespace mailweir::engine
