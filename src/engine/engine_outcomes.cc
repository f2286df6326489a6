// What came back from the network.
#include <optional>

#include "base/assert.h"
#include "base/random.h"
#include "engine/classify_outcome.h"
#include "engine/engine_state.h"
#include "engine/judge_attempt.h"
#include "engine/refused_mail.h"

namespace mailweir::engine {
namespace {

using namespace std::chrono_literals;

// A greylister that names no time: most open within five minutes.
constexpr Duration greylist_usual = 5min;
// A peer that closes a session later than this, without having been asked anything, was idle.
constexpr Duration idle_close_from = 5s;
// Whether a message or its path was refused shows when the next one goes over the path.
constexpr Duration unsure_rest = 10s;

Duration greylist_wait(const provider::Ruling& ruling, double unit) {
  const Duration wait = ruling.wait > Duration{} ? ruling.wait : greylist_usual;
  return wait + Duration(static_cast<std::int64_t>(10e6 * unit));  // never a moment too soon
}

AttemptEnd as_end(const Judgement& judgement, const RecipientResult& result,
                  std::string_view host) {
  return {.signal = judgement.signal,
          .wait = judgement.ruling.wait,
          .phase = result.phase,
          .failure = result.failure,
          .reply = result.reply.code == 0 ? nullptr : &result.reply,
          .rule = judgement.ruling.rule,
          .host = host};
}

// A link in the content goes with whoever signs it; mail that is not signed with its sender.
CellKind cell_kind(provider::Scope scope, const Message& message) {
  if (scope == provider::Scope::netblock) return CellKind::network;
  const bool is_signed = message.dkim_domain != 0;
  return scope == provider::Scope::sender_domain || !is_signed ? CellKind::sender_domain
                                                               : CellKind::dkim_domain;
}

// The transaction's end as the path sees it: the gravest of its recipients'.
void add_to(AttemptEnd& end, const Judgement& judgement, const RecipientResult& result) {
  if (graver(end.signal, judgement.signal) == end.signal && end.phase != Phase::connect) return;
  end.signal = graver(end.signal, judgement.signal);
  end.phase = result.phase;
  end.failure = result.failure;
  end.reply = result.reply.code == 0 ? nullptr : &result.reply;
  end.rule = judgement.ruling.rule;
  end.wait = judgement.ruling.wait;
}

bool is_refused_path(const Judgement& judgement) {
  return judgement.verdict.action == RecipientAction::requeue && !judgement.concerns_cell &&
         !judgement.host_signal &&
         (judgement.signal == pacing::Signal::throttled ||
          judgement.signal == pacing::Signal::block_listed);
}

// What was said of the path, and met this message alone.
Judgement for_message(Judgement judgement, RefusedMail::Concerns concerns) {
  if (concerns == RefusedMail::Concerns::path) return judgement;
  judgement.signal = pacing::Signal::answered;
  if (concerns == RefusedMail::Concerns::message) {
    judgement.verdict.action = RecipientAction::defer;
  } else {
    judgement.rest = unsure_rest;
  }
  return judgement;
}

}  // namespace

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
  state_->doctor.looked_up(Failure::none, now);
  state_->router.found(route, now);
  state_->dispatcher.run(now);
}

void Engine::on_route_failed(const RouteFailed& failure, Instant now) {
  State& s = *state_;
  const std::vector<std::uint32_t> waiting = s.router.failed(failure, now);
  // One domain asked about again and again for a hand alone is no evidence against the DNS.
  if (!waiting.empty()) s.doctor.looked_up(failure.failure, now);
  const RecipientAction action = classify_route_failure(failure.failure);
  Reply detail;
  detail.text = failure.detail;
  const Cause cause{failure.failure, Phase::resolve, &detail, nullptr};
  const double unit = s.random.unit();
  for (const std::uint32_t r : waiting) s.apply(r, action, cause, unit, now);
  s.dispatcher.run(now);
}

void Engine::on_session_connected(const SessionConnected& connected, Instant now) {
  const std::uint32_t session = state_->dispatcher.book().find(connected.session);
  if (session != no_index) state_->doctor.connected(session, connected.host, now);
}

void Engine::on_session_opened(const SessionOpened& opened, Instant now) {
  State& s = *state_;
  const std::uint32_t session = s.dispatcher.book().find(opened.session);
  if (session == no_index) return;
  s.doctor.opened(session, opened, now);
  s.tell_hosts(session, opened.host, opened.failed_before, now);
  for (const std::uint32_t r : s.dispatcher.opened(session, opened.host, now)) s.requeue(r, now);
  s.heed_diagnosis(now);
  s.dispatcher.run(now);
}

// What the attempts to open a session say of single hosts; `host` let us in, or none did.
void Engine::State::tell_hosts(std::uint32_t session, std::string_view host,
                               std::span<const ConnectAttempt> failed, Instant now) {
  if (!learns()) return;
  const std::string& provider = provider_key(dispatcher.book().sessions[session].path);
  std::vector<AttemptEnd> ends;
  for (const ConnectAttempt& attempt : failed)
    ends.push_back(judge_host_opening(attempt, provider, catalogue));
  dispatcher.session_hosts().met(session, host, ends, now);
}

// Gives back whatever the session still holds, and forgets it.
void Engine::State::finish_session(std::uint32_t session, Instant now) {
  const std::uint32_t path = dispatcher.book().sessions[session].path;
  while (!dispatcher.book().sessions[session].transactions.empty()) {
    const std::uint32_t transaction = dispatcher.book().sessions[session].transactions.first;
    const pacing::Grant grant = dispatcher.book().transactions[transaction].grant;
    const CellsEnd cells = dispatcher.cells_of(transaction);
    const auto recipients = dispatcher.book().finish(transaction, now);
    for (auto r = recipients.rbegin(); r != recipients.rend(); ++r) requeue(*r, now);
    if (grant) dispatcher.attempt_ended(path, grant, AttemptEnd{}, now);
    if (cells.any()) dispatcher.cells_ended(cells, {}, grant, now);
  }
  dispatcher.ended(session, now);
}

void Engine::on_session_failed(const SessionFailed& failed, Instant now) {
  State& s = *state_;
  const std::uint32_t session = s.dispatcher.book().find(failed.session);
  if (session == no_index) return;
  s.doctor.failed(session, failed, now);
  s.tell_hosts(session, {}, failed.attempts, now);
  const Session& record = s.dispatcher.book().sessions[session];
  const ConnectAttempt& last = failed.attempts.back();
  OpeningJudgement judgement;
  judgement.verdict = classify_opening(failed.attempts);
  if (s.learns())
    judgement = judge_opening(failed.attempts, s.provider_key(record.path), s.catalogue);
  OpeningVerdict& verdict = judgement.verdict;
  // Other sessions to it work: then this one was one too many, which is no message's fault.
  const Hop& hop = s.next_hops.hops[record.hop];
  const bool others_work = hop.sessions > hop.opening;
  if (others_work && verdict.action == RecipientAction::defer)
    verdict.action = RecipientAction::requeue;
  // What failed before on this hop is no news about the path.
  const bool is_news = hop.failures == 0;
  if (verdict.effect == OpeningEffect::next_hop_unreachable) {
    const bool rests = s.dispatcher.source_failed_at(session, now);
    if (!rests && verdict.action == RecipientAction::defer)
      verdict.action = RecipientAction::requeue;
  }
  if (verdict.effect == OpeningEffect::source_pauses)
    s.dispatcher.source_failed(s.dispatcher.paths()[record.path].source, now);
  if (last.failure != Failure::cancelled)
    s.dispatcher.note(record.path, pacing::Evidence::connect_failed, now);
  const Cause cause{last.failure, last.phase, last.reply.code == 0 ? nullptr : &last.reply,
                    &last.host};
  const double unit = s.random.unit();
  while (!record.transactions.empty()) {
    for (const std::uint32_t r : s.dispatcher.book().finish(record.transactions.first, now)) {
      s.apply(r, verdict.action, cause, unit, now);
    }
  }
  if (!is_news && judgement.end.signal == pacing::Signal::silent)
    judgement.end.signal = pacing::Signal::local;
  s.dispatcher.opening_failed(session, judgement.end, now);
  s.dispatcher.ended(session, now);
  s.heed_diagnosis(now);
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

Judgement Engine::State::judge(const RecipientResult& result, const TransactionContext& context,
                               std::uint32_t path) const {
  if (learns()) return judge_recipient(result, context, provider_key(path), catalogue);
  return {.verdict = classify_recipient(result, context)};
}

const std::string& Engine::State::provider_key(std::uint32_t path) const {
  return next_hops.providers[dispatcher.paths()[path].provider].key();
}

void Engine::on_transaction_done(const TransactionDone& done, Instant now) {
  State& s = *state_;
  const std::uint32_t transaction = s.dispatcher.book().find(done.transaction);
  if (transaction == no_index) return;
  const std::uint32_t session = s.dispatcher.book().transactions[transaction].session;
  const pacing::Grant grant = s.dispatcher.book().transactions[transaction].grant;
  CellsEnd cells = s.dispatcher.cells_of(transaction);
  const std::uint32_t path = s.dispatcher.book().sessions[session].path;
  const std::uint32_t hop = s.dispatcher.book().sessions[session].hop;
  const std::string host = s.dispatcher.book().sessions[session].host;
  const std::vector<std::uint32_t> recipients = s.dispatcher.book().finish(transaction, now);
  WEIR_ASSERT(recipients.size() == done.results.size());

  TransactionContext context;
  context.sent = done.started != Instant{};
  context.session_has_worked = s.dispatcher.book().sessions[session].answered > 0;
  context.shares_network = !s.dispatcher.cells().network_of(cells.message).empty();
  const SessionHosts::Place place = s.dispatcher.session_hosts().place(session);
  context.has_other_hosts = place.has_others;
  context.host_stands_out = place.stands_out;
  context.path_is_held = s.dispatcher.paths()[path].pacer->is_held();
  s.doctor.transaction_done(session, done,
                            {.has_worked = context.session_has_worked,
                             .awaits_more = s.dispatcher.book().sessions[session].in_flight > 0},
                            now);
  const double unit = s.random.unit();
  std::uint16_t accepted = 0;
  bool replied = false;
  std::optional<RefusedMail::Concerns> concerns;
  AttemptEnd end;
  AttemptEnd cell_end;
  end.first_try = false;
  end.host = host;
  for (std::size_t i = 0; i < recipients.size(); ++i) {
    const RecipientResult& result = done.results[i];
    WEIR_ASSERT(s.ledger.recipients[recipients[i]].index == result.recipient);
    Judgement judgement = s.judge(result, context, path);
    if (is_refused_path(judgement)) {
      if (!concerns)
        concerns = s.refused_mail.refused(cells.message.id, path, s.dispatcher.paths()[path],
                                          judgement.signal, now);
      judgement = for_message(judgement, *concerns);
    }
    const Verdict& verdict = judgement.verdict;
    if (verdict.session == SessionEffect::end)
      s.dispatcher.book().close(session, result.reply.code == 421);
    if (verdict.too_many_recipients) s.dispatcher.limit_recipients(hop, accepted);
    if (result.phase == Phase::data || result.phase == Phase::end_of_data) {
      ++accepted;
      context.recipient_accepted = true;
    }
    if (result.failure == Failure::none) replied = true;
    add_to(end, judgement, result);
    if (!cells.concerned && !cells.host_signal) {
      if (judgement.concerns_cell)
        cells.concerned = cell_kind(judgement.ruling.scope, cells.message);
      cells.host_signal = judgement.host_signal;
      cell_end = as_end(judgement, result, host);
    }
    end.first_try = end.first_try || s.ledger.recipients[recipients[i]].attempts == 0;
    s.count(path, verdict.action, now);
    s.settle_attempt(recipients[i], result, judgement, {.path = path, .host = &host, .unit = unit},
                     now);
  }
  if (replied) s.dispatcher.answered(session, now);
  if (grant) s.dispatcher.attempt_ended(path, grant, end, now);
  const bool is_named = cells.concerned || cells.host_signal;
  if (is_named) cell_end.first_try = end.first_try;
  if (cells.any()) s.dispatcher.cells_ended(cells, is_named ? cell_end : end, grant, now);
  s.heed_diagnosis(now);
  s.dispatcher.run(now);
}

// What one recipient's result leads to.
void Engine::State::settle_attempt(std::uint32_t r, const RecipientResult& result,
                                   const Judgement& judgement, const AttemptFacts& facts,
                                   Instant now) {
  const bool has_reply = result.reply.code != 0;
  const Cause cause{result.failure, result.phase, has_reply ? &result.reply : nullptr, facts.host};
  const RecipientAction action = judgement.verdict.action;
  if (action == RecipientAction::bounce && judgement.ruling.category == provider::Category::mailbox)
    dispatcher.recipient_bounced(facts.path, ledger.messages[ledger.recipients[r].message]);
  const bool is_refusal = result.failure == Failure::none && !result.reply.is_positive();
  const std::uint32_t m = ledger.recipients[r].message;
  const bool lacks_cell =
      judgement.concerns_cell &&
      !dispatcher.cells().has_cell_for(m, cell_kind(judgement.ruling.scope, ledger.messages[m]),
                                       facts.path, now);
  const bool lacks_host_cell =
      judgement.host_signal && !dispatcher.hosts().has_room(facts.path, *facts.host);
  if (action == RecipientAction::requeue && (lacks_cell || lacks_host_cell)) {
    defer(r, cause, facts.unit, now);  // nothing would keep it from being tried again at once
  } else if (action == RecipientAction::requeue && is_refusal && learns()) {
    requeue_refused(r, cause, judgement.rest, now);
  } else if (action == RecipientAction::defer &&
             judgement.ruling.category == provider::Category::greylisted) {
    dispatcher.bind(r, facts.path);
    defer_until(r, cause, now + greylist_wait(judgement.ruling, facts.unit), now);
  } else {
    apply(r, action, cause, facts.unit, now);
  }
}

void Engine::State::requeue_refused(std::uint32_t r, const Cause& cause, Duration rest,
                                    Instant now) {
  Recipient& recipient = ledger.recipients[r];
  recipient.reply_code = cause.reply->code;
  if (recipient.refusals < 0xFF) ++recipient.refusals;
  if (rest > Duration{}) recipient.due = now + rest;
  if (overtaken(r, cause, now)) return;
  ledger.record(r, Disposition::deferred, cause);
  if (rest > Duration{}) {
    wait_until_due(r);
  } else {
    make_ready(r, Lanes::Entry::in_front, now);
  }
}

void Engine::on_session_closed(const SessionClosed& closed, Instant now) {
  State& s = *state_;
  const std::uint32_t session = s.dispatcher.book().find(closed.session);
  if (session == no_index) return;
  const Session& record = s.dispatcher.book().sessions[session];
  const bool by_peer = !record.close_ordered && closed.failure != Failure::cancelled;
  if (by_peer) s.dispatcher.note(record.path, pacing::Evidence::connection_dropped, now);
  // A session that opens but never does any work counts as a hop that cannot be reached, or we
  // would open it again at once; unless it was never given any, and the peer grew tired of it.
  const bool was_idle = record.started == 0 && now - record.opened_at > idle_close_from;
  if (by_peer && record.answered == 0 && !was_idle) {
    const AttemptEnd end = judge_closing(closed, s.provider_key(record.path), s.catalogue);
    const bool is_hop = end.signal == pacing::Signal::silent ||
                        end.signal == pacing::Signal::unclear || !s.learns();
    if (is_hop && !s.dispatcher.book().hung_beside_others(session, now))
      s.dispatcher.source_failed_at(session, now);
    s.dispatcher.opening_failed(session, end, now);
  }
  s.doctor.closed(session, now);
  s.finish_session(session, now);
  s.heed_diagnosis(now);
  s.dispatcher.run(now);
}

}  // namespace mailweir::engine
