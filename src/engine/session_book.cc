#include "engine/session_book.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace mailweir::engine {
namespace {

// Well below the five minutes of RFC 5321 section 4.5.3.2.7.
constexpr Duration kept_idle_max = std::chrono::seconds(60);

}  // namespace

std::uint32_t SessionBook::find(SessionId id) const {
  const std::uint32_t index = Serial<SessionId>::index_of(id);
  return index < sessions.extent() && sessions[index].id == id && id.value != 0 ? index : no_index;
}

std::uint32_t SessionBook::find(TransactionId id) const {
  const std::uint32_t index = Serial<TransactionId>::index_of(id);
  return index < transactions.extent() && transactions[index].id == id && id.value != 0 ? index
                                                                                        : no_index;
}

std::uint32_t SessionBook::begin(std::uint32_t h, std::uint32_t p, bool is_knock, Instant now) {
  Hop& hop = next_hops_.hops[h];
  Path& path = paths_[p];
  const std::uint32_t s = sessions.allocate();
  Session& session = sessions[s];
  session.id = session_serial_.next(s);
  session.hop = h;
  session.path = p;
  session.stage = SessionStage::opening;
  session.is_knock = is_knock;
  session.trust = hop.trust();
  session.opened_at = now;
  while (!openings_.empty() && !is_opening(openings_.front().id)) openings_.pop_front();
  if (!is_knock) openings_.push_back({session.id, now + hangs_after});
  ++alive_;
  ++hop.sessions;
  ++hop.opening;
  ++(is_knock ? hop.knocking : hop.unanswered);
  ++path.opening;
  ++path.opened;
  ++path.opening_by_trust[static_cast<std::size_t>(session.trust)];
  return s;
}

void SessionBook::no_longer_opening(const Session& session) {
  Hop& hop = next_hops_.hops[session.hop];
  Path& path = paths_[session.path];
  --hop.opening;
  if (session.is_knock) --hop.knocking;
  if (session.is_hung) --hop.hung;
  --path.opening;
  --path.opening_by_trust[static_cast<std::size_t>(session.trust)];
}

void SessionBook::opened(std::uint32_t s, std::string_view host) {
  Session& session = sessions[s];
  WEIR_ASSERT(session.stage == SessionStage::opening);
  no_longer_opening(session);
  session.stage = SessionStage::open;
  session.host = host;
}

void SessionBook::make_knock(std::uint32_t s) {
  if (std::exchange(sessions[s].is_knock, true)) return;
  Hop& hop = next_hops_.hops[sessions[s].hop];
  --hop.unanswered;
  ++hop.knocking;
}

void SessionBook::mark_hung(std::uint32_t s) {
  sessions[s].is_hung = true;
  ++next_hops_.hops[sessions[s].hop].hung;
}

bool SessionBook::is_opening(SessionId id) const {
  const std::uint32_t s = find(id);
  return s != no_index && sessions[s].stage == SessionStage::opening && !sessions[s].is_knock;
}

std::uint32_t SessionBook::take_hanging(Instant now) {
  while (next_hanging() <= now) {
    const SessionId id = openings_.front().id;
    openings_.pop_front();
    if (is_opening(id)) return find(id);
  }
  return no_index;
}

Instant SessionBook::next_hanging() const {
  return openings_.empty() ? never : openings_.front().hangs_at;
}

void SessionBook::answered(std::uint32_t s) {
  Session& session = sessions[s];
  if (session.answered++ == 0 && !session.is_knock) --next_hops_.hops[session.hop].unanswered;
}

void SessionBook::close(std::uint32_t s, bool order_close) {
  Session& session = sessions[s];
  if (session.stage == SessionStage::open) {
    unlist(s);
    Path& path = paths_[session.path];
    if (session.starved) std::erase(path.starved, s);
    session.starved = false;
    session.stage = SessionStage::closing;
    ++path.closing;
  }
  if (order_close && !session.close_ordered && session.stage == SessionStage::closing) {
    session.close_ordered = true;
    orders_.emplace_back(CloseSession{session.id});
  }
}

void SessionBook::end(std::uint32_t s) {
  Session& session = sessions[s];
  WEIR_ASSERT(session.transactions.empty());
  Hop& hop = next_hops_.hops[session.hop];
  if (session.stage == SessionStage::opening) {
    no_longer_opening(session);
  } else {
    close(s, false);
    --paths_[session.path].closing;
  }
  if (session.answered == 0 && !session.is_knock) --hop.unanswered;
  --hop.sessions;
  sessions.release(s);
  --alive_;
}

std::uint32_t SessionBook::begin_transaction(std::uint32_t s,
                                             std::span<const std::uint32_t> recipients) {
  const std::uint32_t t = transactions.allocate();
  Transaction& transaction = transactions[t];
  transaction.id = transaction_serial_.next(t);
  transaction.session = s;
  transaction.message = ledger_.recipients[recipients.front()].message;
  for (const std::uint32_t r : recipients) {
    ledger_.move(r, Stage::in_flight);
    list::push_back(ledger_.recipients, &Recipient::links, transaction.recipients, r);
  }
  list::push_back(transactions, &Transaction::of_session, sessions[s].transactions, t);
  paths_[sessions[s].path].recipients_in_flight += static_cast<std::uint32_t>(recipients.size());
  return t;
}

std::vector<std::uint32_t> SessionBook::finish(std::uint32_t t, Instant now) {
  Transaction& transaction = transactions[t];
  Session& session = sessions[transaction.session];
  std::vector<std::uint32_t> recipients;
  while (!transaction.recipients.empty()) {
    const std::uint32_t r = transaction.recipients.first;
    list::erase(ledger_.recipients, &Recipient::links, transaction.recipients, r);
    ledger_.move(r, Stage::entering);
    recipients.push_back(r);
  }
  paths_[session.path].recipients_in_flight -= static_cast<std::uint32_t>(recipients.size());
  list::erase(transactions, &Transaction::of_session, session.transactions, t);
  const bool ordered = transaction.ordered;
  const std::uint32_t s = transaction.session;
  transactions.release(t);
  if (ordered) {
    --session.in_flight;
    unlist(s);
    list_free(s);
    if (session.in_flight == 0) list_idle(s, now);
    agenda_.mark_hop(session.hop);
  }
  return recipients;
}

void SessionBook::take_reserved(std::uint32_t s, std::vector<std::uint32_t>& taken, Instant now) {
  Session& session = sessions[s];
  while (!session.transactions.empty()) {
    const auto reserved = finish(session.transactions.first, now);
    taken.insert(taken.end(), reserved.rbegin(), reserved.rend());
  }
}

// Where connections are what is short each carries one message at a time, so that none is idle
// beside one with a queue.
std::uint32_t SessionBook::transactions_ahead(const Path& path) const {
  return path.pacer->is_short_of_connections() ? 1 : settings_.config().transactions_ahead;
}

void SessionBook::list_free(std::uint32_t s) {
  Session& session = sessions[s];
  if (session.stage != SessionStage::open || session.starved) return;
  auto& free = next_hops_.hops[session.hop].free_sessions;
  if (session.in_flight == 0) {
    list::push_front(sessions, &Session::free, free, s);
    session.listed_free = true;
  } else if (session.in_flight < transactions_ahead(paths_[session.path])) {
    list::push_back(sessions, &Session::free, free, s);
    session.listed_free = true;
  }
}

void SessionBook::list_idle(std::uint32_t s, Instant now) {
  Session& session = sessions[s];
  if (session.stage != SessionStage::open) return;
  session.idle_since = now;
  session.listed_idle = true;
  list::push_back(sessions, &Session::idle, paths_[session.path].idle, s);
  agenda_.arm_path(session.path, now + settings_.config().session_idle_max);
}

void SessionBook::unlist(std::uint32_t s) {
  Session& session = sessions[s];
  if (session.listed_free)
    list::erase(sessions, &Session::free, next_hops_.hops[session.hop].free_sessions, s);
  if (session.listed_idle) list::erase(sessions, &Session::idle, paths_[session.path].idle, s);
  session.listed_free = false;
  session.listed_idle = false;
}

void SessionBook::starve(std::uint32_t s, Instant until) {
  Session& session = sessions[s];
  if (session.listed_free) {
    session.listed_free = false;
    list::erase(sessions, &Session::free, next_hops_.hops[session.hop].free_sessions, s);
  }
  session.starved = true;
  paths_[session.path].starved.push_back(s);
  if (until != never) agenda_.arm_path(session.path, until);
}

void SessionBook::close_idle(std::uint32_t p, Instant now) {
  Instant next = never;
  for (std::uint32_t s = paths_[p].idle.first; s != no_index;) {
    const std::uint32_t following = sessions[s].idle.next;
    const Instant until = sessions[s].idle_since + idle_max(sessions[s]);
    if (until <= now) {
      close(s, true);
    } else {
      next = std::min(next, until);
    }
    s = following;
  }
  if (next != never) agenda_.arm_path(p, next);
}

// A connection costs the peer more than the wait for the next permit, and where it counts
// connections each that is given up is dear.
Duration SessionBook::idle_max(const Session& session) const {
  const Path& path = paths_[session.path];
  const Duration usual = settings_.config().session_idle_max;
  if (path.pacer->is_held()) return usual;
  const bool waits = session.starved && path.starved.size() <= Path::starved_wanted;
  return waits || path.pacer->is_short_of_connections() ? std::max(usual, kept_idle_max) : usual;
}

bool SessionBook::hangs(const Session& session, Instant now) const {
  return session.in_flight > 0 &&
         transactions[session.transactions.first].grant.at + hangs_after < now;
}

bool SessionBook::hung_beside_others(std::uint32_t s, Instant now) const {
  const Session& session = sessions[s];
  return session.opened_at + hangs_after < now &&
         next_hops_.hops[session.hop].answered_at > session.opened_at;
}

}  // namespace mailweir::engine
