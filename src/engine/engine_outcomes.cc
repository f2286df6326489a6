// What came back from the network.
#include "base/assert.h"
#include "base/random.h"
#include "engine/classify_outcome.h"
#include "engine/engine_state.h"

namespace mailweir::engine {

void Engine::State::apply(std::uint32_t r, RecipientAction action, const Cause& cause, double unit,
                          Instant now) {
  Recipient& recipient = ledger.recipients[r];
  const std::uint16_t code = cause.reply == nullptr ? std::uint16_t{0} : cause.reply->code;
  switch (action) {
    case RecipientAction::deliver:
    case RecipientAction::bounce:
      if (recipient.attempts < 0xFFFF) ++recipient.attempts;
      recipient.reply_code = code;
      settle(r, action == RecipientAction::deliver ? Disposition::delivered : Disposition::bounced,
             cause, now);
      return;
    case RecipientAction::defer:
      defer(r, cause, unit, now);
      return;
    case RecipientAction::requeue:
      requeue(r, now);
      return;
    case RecipientAction::hold:
      if (ledger.messages[recipient.message].remove) {
        settle(r, Disposition::deleted, cause, now);
        return;
      }
      hold(r);
      ledger.record(r, Disposition::held, cause);
      return;
  }
}

void Engine::on_route(const RouteFound& route, Instant now) {
  if (route.hosts.empty()) {
    on_route_failed({route.domain, Failure::dns_no_such_domain, "the MX set is empty"}, now);
    return;
  }
  state_->router.found(route, now);
  state_->dispatcher.run(now);
}

void Engine::on_route_failed(const RouteFailed& failure, Instant now) {
  State& s = *state_;
  const RecipientAction action = classify_route_failure(failure.failure);
  Reply detail;
  detail.text = failure.detail;
  const Cause cause{failure.failure, Phase::resolve, &detail, nullptr};
  const double unit = s.random.unit();
  for (const std::uint32_t r : s.router.failed(failure)) s.apply(r, action, cause, unit, now);
  s.dispatcher.run(now);
}

void Engine::on_session_opened(const SessionOpened& opened, Instant now) {
  State& s = *state_;
  const std::uint32_t session = s.dispatcher.find(opened.session);
  if (session == no_index) return;
  s.dispatcher.opened(session, opened.host, now);
  s.dispatcher.run(now);
}

// Gives back whatever the session still holds, and forgets it.
void Engine::State::finish_session(std::uint32_t session, Instant now) {
  while (!dispatcher.session(session).transactions.empty()) {
    const auto recipients = dispatcher.finish(dispatcher.session(session).transactions.first, now);
    for (auto r = recipients.rbegin(); r != recipients.rend(); ++r) requeue(*r, now);
  }
  dispatcher.ended(session);
}

void Engine::on_session_failed(const SessionFailed& failed, Instant now) {
  State& s = *state_;
  const std::uint32_t session = s.dispatcher.find(failed.session);
  if (session == no_index) return;
  const Session& record = s.dispatcher.session(session);
  const std::uint32_t hop = record.hop;
  const ConnectAttempt& last = failed.attempts.back();
  OpeningVerdict verdict = classify_opening(failed.attempts);
  // Other sessions to it work: then this one was one too many, which is no message's fault.
  const Hop& state = s.next_hops.hops[hop];
  const bool others_work = state.sessions > state.opening;
  if (others_work && verdict.action == RecipientAction::defer)
    verdict.action = RecipientAction::requeue;
  if (verdict.effect == OpeningEffect::next_hop_unreachable) s.dispatcher.hop_failed(hop, now);
  if (verdict.effect == OpeningEffect::source_pauses)
    s.dispatcher.source_failed(s.dispatcher.paths()[record.path].source, now);
  if (last.failure != Failure::cancelled)
    s.dispatcher.note(record.path, pacing::Evidence::connect_failed, now);
  const Cause cause{last.failure, last.phase, last.reply.code == 0 ? nullptr : &last.reply,
                    &last.host};
  const double unit = s.random.unit();
  while (!record.transactions.empty()) {
    for (const std::uint32_t r : s.dispatcher.finish(record.transactions.first, now)) {
      s.apply(r, verdict.action, cause, unit, now);
    }
  }
  s.dispatcher.ended(session);
  s.dispatcher.run(now);
}

void Engine::State::count(std::uint32_t path, RecipientAction action, Instant now) {
  switch (action) {
    case RecipientAction::deliver:
      dispatcher.note(path, pacing::Evidence::recipient_delivered, now);
      return;
    case RecipientAction::defer:
      dispatcher.note(path, pacing::Evidence::recipient_deferred, now);
      return;
    case RecipientAction::bounce:
      dispatcher.note(path, pacing::Evidence::recipient_bounced, now);
      return;
    case RecipientAction::requeue:
    case RecipientAction::hold:
      return;
  }
}

void Engine::on_transaction_done(const TransactionDone& done, Instant now) {
  State& s = *state_;
  const std::uint32_t transaction = s.dispatcher.find(done.transaction);
  if (transaction == no_index) return;
  const std::uint32_t session = s.dispatcher.transaction(transaction).session;
  const std::uint32_t path = s.dispatcher.session(session).path;
  const std::uint32_t hop = s.dispatcher.session(session).hop;
  const std::string host = s.dispatcher.session(session).host;
  const std::vector<std::uint32_t> recipients = s.dispatcher.finish(transaction, now);
  WEIR_ASSERT(recipients.size() == done.results.size());

  TransactionContext context;
  context.sent = done.started != Instant{};
  context.session_has_worked = s.dispatcher.session(session).answered > 0;
  const double unit = s.random.unit();
  std::uint16_t accepted = 0;
  bool replied = false;
  for (std::size_t i = 0; i < recipients.size(); ++i) {
    const RecipientResult& result = done.results[i];
    WEIR_ASSERT(s.ledger.recipients[recipients[i]].index == result.recipient);
    const Verdict verdict = classify_recipient(result, context);
    if (verdict.session == SessionEffect::end)
      s.dispatcher.close(session, result.reply.code == 421);
    if (verdict.too_many_recipients) s.dispatcher.limit_recipients(hop, accepted);
    if (result.phase == Phase::data || result.phase == Phase::end_of_data) {
      ++accepted;
      context.recipient_accepted = true;
    }
    if (result.failure == Failure::none) replied = true;
    const bool has_reply = result.reply.code != 0;
    s.count(path, verdict.action, now);
    s.apply(recipients[i], verdict.action,
            {result.failure, result.phase, has_reply ? &result.reply : nullptr, &host}, unit, now);
  }
  if (replied) s.dispatcher.answered(session, now);
  s.dispatcher.run(now);
}

void Engine::on_session_closed(const SessionClosed& closed, Instant now) {
  State& s = *state_;
  const std::uint32_t session = s.dispatcher.find(closed.session);
  if (session == no_index) return;
  const Session& record = s.dispatcher.session(session);
  const bool by_peer = !record.close_ordered && closed.failure != Failure::cancelled;
  if (by_peer) s.dispatcher.note(record.path, pacing::Evidence::connection_dropped, now);
  // A session that opens but never does any work counts as a hop that cannot be reached, or we
  // would open it again at once.
  if (by_peer && record.answered == 0) s.dispatcher.hop_failed(record.hop, now);
  s.finish_session(session, now);
  s.dispatcher.run(now);
}

}  // namespace mailweir::engine
