#include "senders/baseline.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace mailweir::senders {

using engine::no_index;
namespace list = engine::list;

namespace {

constexpr unsigned session_index_bits = 24;

// Whether a transaction's result is news of the path, and not only of the message or of us.
bool says_something(const engine::RecipientResult& result, engine::RecipientAction action) {
  return result.failure == engine::Failure::none || action == engine::RecipientAction::defer;
}

PathEvent event_of(const engine::RecipientResult& result, Instant started) {
  PathEvent event{.phase = result.phase, .started = started};
  if (result.failure != engine::Failure::none) {
    event.kind = PathEvent::Kind::site_failure;
  } else {
    event.reply = &result.reply;
    event.kind = result.reply.is_positive() ? PathEvent::Kind::delivered : PathEvent::Kind::refused;
  }
  return event;
}

}  // namespace

Baseline::Baseline(engine::EngineConfig config, const provider::Catalogue& catalogue, Habits habits,
                   MakePolicy make_policy)
    : settings_(std::move(config)),
      next_hops_(catalogue, settings_),
      habits_(habits),
      make_policy_(std::move(make_policy)),
      sources_(settings_.config().sources.size()),
      turn_(engine::pool_of_class) {}

void Baseline::on_message(const engine::MessageFacts& message, Instant now) {
  if (message.recipients.empty()) return;
  const std::uint32_t l = letters_.allocate();
  Letter& letter = letters_[l];
  letter.id = message.id;
  letter.accepted = message.accepted;
  letter.expires = message.expires;
  letter.pool = settings_.effective_pool(settings_.pool_id(message.pool),
                                         settings_.class_id(message.message_class));
  letter.recipients_left = static_cast<std::uint16_t>(message.recipients.size());
  letter.recipients_total = message.recipients_total;
  ++totals_.messages;
  totals_.recipients += message.recipients.size();
  for (const engine::RecipientFacts& facts : message.recipients) {
    const std::uint32_t i = items_.allocate();
    Item& item = items_[i];
    item.letter = l;
    item.domain = domain_of(facts.domain);
    item.index = facts.recipient;
    item.attempts = item.rests = facts.attempts;
    if (!habits_.chooses_source_again) item.source = choose_source(item, now);
    const Instant due = std::max(facts.due, message.not_before);
    if (due > now) {
      rest(i, due - now, now);
    } else {
      route(i, facts.attempts == 0, now);
    }
  }
}

void Baseline::on_session_opened(const engine::SessionOpened& opened, Instant now) {
  const std::uint32_t s = find(opened.session);
  if (s == no_index) return;
  Session& session = sessions_[s];
  session.host = opened.host;
  session.opened = now;
  start_transaction(s);
}

void Baseline::on_session_failed(const engine::SessionFailed& failed, Instant now) {
  const std::uint32_t s = find(failed.session);
  if (s == no_index) return;
  const std::uint32_t p = sessions_[s].path;
  const engine::ConnectAttempt& last = failed.attempts.back();
  engine::RecipientResult result{.phase = last.phase, .failure = last.failure, .reply = last.reply};
  const bool bounces =
      engine::classify_opening(failed.attempts).action == engine::RecipientAction::bounce;
  if (!bounces) {
    PathEvent event = event_of(result, items_[sessions_[s].item].started);
    event.kind = PathEvent::Kind::site_failure;
    paths_[p].policy->on_event(event, {paths_[p].in_flight}, now);
  }
  finish(s, result, bounces ? engine::RecipientAction::bounce : engine::RecipientAction::defer,
         now);
  --totals_.sessions;
  sessions_.release(s);
  pump(p, now);
  admit(paths_[p].source, now);
}

void Baseline::on_transaction_done(const engine::TransactionDone& done, Instant now) {
  const std::uint32_t s = find(done.session);
  if (s == no_index || sessions_[s].item == no_index) return;
  Session& session = sessions_[s];
  const std::uint32_t p = session.path;
  const engine::RecipientResult& result = done.results.front();
  const engine::Verdict verdict = engine::classify_recipient(
      result, {.sent = done.started != Instant{}, .session_has_worked = session.messages > 0});
  if (says_something(result, verdict.action)) {
    paths_[p].policy->on_event(event_of(result, items_[session.item].started),
                               {paths_[p].in_flight}, now);
  }
  finish(s, result, verdict.action, now);
  ++session.messages;
  if (verdict.session == engine::SessionEffect::end) {
    close(s);
  } else {
    rest_or_close(s, now);
  }
  pump(p, now);
  admit(paths_[p].source, now);
}

// What becomes of the recipient whose transaction is over.
void Baseline::finish(std::uint32_t s, const engine::RecipientResult& result,
                      engine::RecipientAction action, Instant now) {
  const std::uint32_t i = release_item(sessions_[s]);
  Path& path = paths_[sessions_[s].path];
  Item& item = items_[i];
  const std::string_view host = sessions_[s].host;
  switch (action) {
    case engine::RecipientAction::requeue:
      list::push_front(items_, &Item::links, path.queue, i);
      return;
    case engine::RecipientAction::deliver:
      ++item.attempts;
      settle(i, result, Disposition::delivered, host);
      return;
    case engine::RecipientAction::bounce:
      ++item.attempts;
      settle(i, result, Disposition::bounced, host);
      return;
    case engine::RecipientAction::hold:
    case engine::RecipientAction::defer:
      ++item.attempts;
      ++item.rests;
      refuse(i, path.policy->retry_after(waiting(item, now), now), result, host, now);
      return;
  }
}

void Baseline::on_session_closed(const engine::SessionClosed& closed, Instant now) {
  const std::uint32_t s = find(closed.session);
  if (s == no_index) return;
  const std::uint32_t p = sessions_[s].path;
  if (sessions_[s].stage == Stage::idle) std::erase(paths_[p].idle, s);
  if (sessions_[s].item != no_index) finish(s, {}, engine::RecipientAction::requeue, now);
  --totals_.sessions;
  sessions_.release(s);
  pump(p, now);
}

void Baseline::on_time(Instant now) {
  fired_.clear();
  retries_.advance(now, fired_);
  for (const std::uint32_t i : fired_) {
    --totals_.deferred;
    route(i, items_[i].rests == 0, now);
  }
  while (wakes_.next() <= now) {
    const engine::Wake wake = wakes_.take();
    Path& path = paths_[wake.index];
    if (path.armed != wake.at) continue;  // it is armed for another time by now
    path.armed = never;
    pump(wake.index, now);
    admit(path.source, now);
  }
}

Instant Baseline::next_wakeup() const {
  return std::min(retries_.next(), wakes_.next());
}

std::vector<engine::Order> Baseline::take_orders() {
  return std::exchange(orders_, {});
}

engine::Totals Baseline::totals() const {
  engine::Totals totals = totals_;
  totals.ready = totals.recipients - totals.deferred - totals.in_flight;
  return totals;
}

// --- what goes now

void Baseline::pump(std::uint32_t p, Instant now) {
  Path& path = paths_[p];
  close_stale(p, now);
  if (path.policy->suspended_until(now) > now) {
    put_off_queue(path, now);
    return;
  }
  while (!path.queue.empty() && start_next(p, now)) continue;
}

bool Baseline::start_next(std::uint32_t p, Instant now) {
  Path& path = paths_[p];
  if (path.in_flight >= path.policy->concurrency(now)) return false;
  if (const Instant at = path.policy->next_start(now); at > now) {
    arm(p, at);
    return false;
  }
  const std::uint32_t i = path.queue.first;
  list::erase(items_, &Item::links, path.queue, i);
  if (has_expired(items_[i], now)) {
    settle(i, {.phase = Phase::resolve}, Disposition::expired, {});
    return true;
  }
  items_[i].started = now;
  ++path.in_flight;
  ++totals_.in_flight;
  path.policy->on_start({path.in_flight}, now);
  const engine::NextHop* hop = domains_[items_[i].domain].hop.get();
  const std::uint32_t s = take_idle(path, hop);
  if (s == no_index) {
    open_session(p, i, now);
  } else {
    sessions_[s].item = i;
    start_transaction(s);
  }
  return true;
}

std::uint32_t Baseline::open_session(std::uint32_t p, std::uint32_t i, Instant now) {
  Path& path = paths_[p];
  // Connections to other hosts make room, so that what is open stays within the concurrency.
  if (path.in_flight + path.idle.size() > path.policy->concurrency(now) && !path.idle.empty()) {
    const std::uint32_t oldest = path.idle.front();
    path.idle.erase(path.idle.begin());
    close(oldest);
  }
  const std::uint32_t s = sessions_.allocate();
  Session& session = sessions_[s];
  session.id = SessionId{++session_serial_ << session_index_bits | s};
  session.hop = domains_[items_[i].domain].hop;
  session.path = p;
  session.item = i;
  session.stage = Stage::opening;
  ++totals_.sessions;
  orders_.emplace_back(
      engine::OpenSession{.session = session.id, .source = path.source, .next_hop = session.hop});
  return s;
}

// The one used last, which is the least likely to have been given up by the peer.
std::uint32_t Baseline::take_idle(Path& path, const engine::NextHop* hop) {
  for (std::size_t k = path.idle.size(); k-- > 0;) {
    const std::uint32_t s = path.idle[k];
    if (sessions_[s].hop.get() != hop) continue;
    path.idle.erase(path.idle.begin() + static_cast<std::ptrdiff_t>(k));
    return s;
  }
  return no_index;
}

void Baseline::start_transaction(std::uint32_t s) {
  Session& session = sessions_[s];
  session.stage = Stage::busy;
  const Item& item = items_[session.item];
  orders_.emplace_back(engine::StartTransaction{
      session.id, TransactionId{++transaction_serial_}, letters_[item.letter].id, {item.index}});
}

std::uint32_t Baseline::release_item(Session& session) {
  --paths_[session.path].in_flight;
  --totals_.in_flight;
  return std::exchange(session.item, no_index);
}

void Baseline::rest_or_close(std::uint32_t s, Instant now) {
  Session& session = sessions_[s];
  Path& path = paths_[session.path];
  if (session.messages >= habits_.messages_per_session ||
      now - session.opened >= habits_.session_age ||
      !path.policy->keeps_session({path.in_flight}, now)) {
    close(s);
    return;
  }
  session.stage = Stage::idle;
  session.idle_since = now;
  path.idle.push_back(s);
  arm(session.path, now + habits_.session_idle);
}

void Baseline::close(std::uint32_t s) {
  sessions_[s].stage = Stage::closing;
  orders_.emplace_back(engine::CloseSession{sessions_[s].id});
}

void Baseline::close_stale(std::uint32_t p, Instant now) {
  Path& path = paths_[p];
  std::size_t stale = 0;
  while (stale < path.idle.size() &&
         sessions_[path.idle[stale]].idle_since + habits_.session_idle <= now) {
    close(path.idle[stale++]);
  }
  path.idle.erase(path.idle.begin(), path.idle.begin() + static_cast<std::ptrdiff_t>(stale));
  if (!path.idle.empty()) arm(p, sessions_[path.idle.front()].idle_since + habits_.session_idle);
}

void Baseline::arm(std::uint32_t p, Instant at) {
  Path& path = paths_[p];
  if (at == never || path.armed <= at) return;
  path.armed = at;
  wakes_.add({.at = at, .kind = engine::WakeKind::path, .index = p});
}

std::uint32_t Baseline::find(SessionId id) const {
  const auto index =
      static_cast<std::uint32_t>(id.value & ((std::uint64_t{1} << session_index_bits) - 1));
  return index < sessions_.extent() && sessions_[index].id == id ? index : no_index;
}

}  // namespace mailweir::senders
