// Recipients into sessions: whose turn it is in a session with room, and what a transaction takes
// along.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "engine/dispatcher.h"

namespace mailweir::engine {
namespace {

// Of one message's recipients at most this many are looked at for a transaction, so that a huge
// message costs no more than others.
constexpr std::size_t siblings_examined_max = 512;
// A session that others wait for gives way after so many messages.
constexpr std::uint32_t messages_per_turn = 10;
// The ranks that wait may not go, others do not wait: looked at again after this.
constexpr Duration rank_recheck = std::chrono::seconds(1);

}  // namespace

void Dispatcher::enter(std::uint32_t recipient, std::uint32_t hop, Lanes::Entry entry) {
  unbind_if_shut(recipient, hop);
  lanes_.enter(recipient, hop, entry);
  opener_.has_mail(ledger_.recipients[recipient].place);
  mark(hop);
}

void Dispatcher::bind(std::uint32_t recipient, std::uint32_t path) {
  ledger_.recipients[recipient].bound_to = paths_[path].source;
}

// Rather greylisted anew by another source than kept waiting for one that is held.
void Dispatcher::unbind_if_shut(std::uint32_t recipient, std::uint32_t hop) {
  std::uint16_t& source = ledger_.recipients[recipient].bound_to;
  if (source == no_source) return;
  const std::uint32_t path = paths_.find(source, next_hops_.hops[hop].provider);
  const bool is_shut = path == no_index || paths_[path].pacer->is_held() ||
                       paths_[path].pacer->is_paused() || !settings_.source_at(source);
  if (is_shut) source = no_source;
}

// The path is held: what waits for its source may go from any again.
void Dispatcher::unbind_all(std::uint32_t p) {
  const auto own_pool = settings_.pool_of_source(paths_[p].source);
  if (!own_pool) return;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> bound;  // recipient, hop
  for (std::uint32_t h = 0; h < next_hops_.hops.extent(); ++h) {
    Hop& hop = next_hops_.hops[h];
    if (hop.next_hop == nullptr || hop.provider != paths_[p].provider) continue;
    for (std::uint32_t q = hop.queues.first; q != no_index; q = lanes_.queues[q].of_hop.next) {
      if (lanes_.lanes[lanes_.queues[q].lane].pool != *own_pool) continue;
      while (!lanes_.queues[q].recipients.empty()) {
        bound.emplace_back(lanes_.queues[q].recipients.first(ledger_), h);
        withdraw(bound.back().first);
      }
    }
  }
  for (const auto& [recipient, hop] : bound) {
    ledger_.recipients[recipient].bound_to = no_source;
    enter(recipient, hop, Lanes::Entry::behind);
  }
}

void Dispatcher::withdraw(std::uint32_t recipient) {
  const std::uint32_t q = ledger_.recipients[recipient].place;
  lanes_.leave(recipient);
  if (lanes_.queues[q].recipients.empty()) opener_.has_none(q);
  mark(lanes_.queues[q].hop);
}

void Dispatcher::feed(std::uint32_t hop_index, Instant now) {
  if (paused_) return;
  Hop& hop = next_hops_.hops[hop_index];
  for (std::uint32_t s = hop.free_sessions.first; s != no_index && hop.ready > 0;) {
    const std::uint32_t next = book_.sessions[s].free.next;
    if (book_.hangs(book_.sessions[s], now)) {
      s = next;
      continue;
    }
    const Fed fed = feed_once(s, now);
    if (fed == Fed::parked) continue;  // the next message, then
    // One for each session in turn: those without work stand in front.
    s = fed == Fed::started ? hop.free_sessions.first : next;
  }
  visit_hosts(hop_index, now);
  opener_.update_line(hop_index, now);
}

Dispatcher::Fed Dispatcher::feed_once(std::uint32_t s, Instant now) {
  Session& session = book_.sessions[s];
  Path& path = paths_[session.path];
  const Hop& hop = next_hops_.hops[session.hop];
  pacing::Demand demand{.waiting = {}};
  lanes_.add_demand(hop, path.source, demand);
  if (!demand.any()) return Fed::no_work;
  demand.carries_others = paths_.carries_others(path);
  drop_stale_grant(s, now);
  const pacing::NextPermit permit =
      session.grant ? pacing::NextPermit{} : path.pacer->ask_attempt(now, demand);
  const std::uint32_t most_urgent =
      lanes_.best_queue(hop, path.source, pacing::Rank::bulk, false, now);
  if (should_yield(session, most_urgent, !permit.is_free(), now)) {
    book_.close(s, true);
    return Fed::yielded;
  }
  const std::uint32_t queue =
      permit.is_free() ? choice_.next_queue(hop, path, permit.lowest, now) : no_index;
  if (queue != no_index && park_blocked(queue, now)) return Fed::parked;
  if (queue != no_index) {
    const Instant at = session_hosts_.lets_start(session, choice_.rank_of(queue), now);
    if (at > now) {
      book_.starve(s, at);
      return Fed::no_permit;
    }
  }
  // Sessions that already wait for a permit come first.
  if (queue == no_index || !path.starved.empty() || !path.pacer->permit_message(now)) {
    book_.starve(s, permit.is_free() ? path.pacer->next_message(now).at : permit.at);
    return Fed::no_permit;
  }
  start(s, queue, now);
  return Fed::started;
}

// A connection that was permitted before the path was refused something is no canary.
void Dispatcher::drop_stale_grant(std::uint32_t s, Instant now) {
  Session& session = book_.sessions[s];
  if (session.grant && session.grant.at < paths_[session.path].held_at)
    attempt_ended(session.path, std::exchange(session.grant, {}), AttemptEnd{}, now);
}

bool Dispatcher::has_permit(const Session& session, const pacing::NextPermit& permit,
                            std::uint32_t queue) const {
  if (session.grant) return true;
  return permit.is_free() && choice_.rank_of(queue) <= permit.lowest;
}

pacing::Demand Dispatcher::starved_demand(const Path& path) const {
  pacing::Demand demand{.waiting = {}, .carries_others = paths_.carries_others(path)};
  for (const std::uint32_t s : path.starved)
    lanes_.add_demand(next_hops_.hops[book_.sessions[s].hop], path.source, demand);
  return demand;
}

// The position in `starved` of the session to serve: the most urgent class first, within a class
// the one that has waited longest; the size of `starved` if none has a permit. All of them have
// work.
std::size_t Dispatcher::next_starved(const Path& path, const pacing::NextPermit& permit,
                                     Instant now) {
  std::size_t best = path.starved.size();
  std::int64_t best_urgency = 0;
  std::uint8_t best_class = 0;
  const bool by_age = choice_.is_turn_of_oldest(path);
  for (std::size_t i = 0; i < path.starved.size(); ++i) {
    const Session& session = book_.sessions[path.starved[i]];
    const pacing::Rank lowest = session.grant ? pacing::Rank::bulk : permit.lowest;
    const std::uint32_t queue = choice_.next_queue(next_hops_.hops[session.hop], path, lowest, now);
    if (queue == no_index || !has_permit(session, permit, queue)) continue;
    const Instant host_at = session_hosts_.lets_start(session, choice_.rank_of(queue), now);
    if (host_at > now) {
      if (host_at != never) agenda_.arm_path(session.path, host_at);
      continue;
    }
    const bool is_first = best == path.starved.size();
    const std::uint8_t its_class = lanes_.lanes[lanes_.queues[queue].lane].message_class;
    if (!is_first && !by_age && its_class == best_class) continue;
    const bool is_least = choice_.asks_blindly(path) && !choice_.presses(queue, path, now);
    const std::int64_t urgency = by_age     ? lanes_.age(queue, now)
                                 : is_least ? -lanes_.urgency(queue, now)
                                            : lanes_.urgency(queue, now);
    if (is_first || urgency > best_urgency) {
      best = i;
      best_urgency = urgency;
      best_class = its_class;
    }
  }
  return best;
}

void Dispatcher::serve_starved(std::uint32_t p, Instant now) {
  if (paused_) return;  // set_paused() comes back to it
  Path& path = paths_[p];
  const auto without_work = [&](std::uint32_t s) {
    const bool none = lanes_.best_queue(next_hops_.hops[book_.sessions[s].hop], path.source,
                                        pacing::Rank::bulk, false, now) == no_index;
    if (none) {
      book_.sessions[s].starved = false;
      book_.list_free(s);
      if (book_.sessions[s].listed_idle)
        agenda_.arm_path(p, book_.sessions[s].idle_since + book_.idle_max(book_.sessions[s]));
    } else if (book_.hangs(book_.sessions[s], now)) {
      book_.sessions[s].starved = false;  // it is listed again when it has answered
      mark(book_.sessions[s].hop);
      return true;
    }
    return none;
  };
  while (true) {
    std::erase_if(path.starved, without_work);
    if (path.starved.empty()) return;
    const std::vector<std::uint32_t> waiting = path.starved;
    for (const std::uint32_t s : waiting) drop_stale_grant(s, now);
    const pacing::NextPermit permit = path.pacer->ask_attempt(now, starved_demand(path));
    const std::size_t at = next_starved(path, permit, now);
    if (at == path.starved.size()) {
      if (permit.at != never)
        agenda_.arm_path(p, permit.is_free() ? now + rank_recheck : permit.at);
      return;
    }
    const std::uint32_t s = path.starved[at];
    Session& session = book_.sessions[s];
    const std::uint32_t queue =
        choice_.next_queue(next_hops_.hops[session.hop], path,
                           session.grant ? pacing::Rank::bulk : permit.lowest, now);
    if (park_blocked(queue, now)) continue;
    // The turn of the oldest is taken, not yielded.
    if (!choice_.is_turn_of_oldest(path) &&
        should_yield(session, queue, path.starved.size() >= Path::starved_wanted, now)) {
      book_.close(s, true);
      continue;
    }
    if (!path.pacer->permit_message(now)) break;
    path.starved.erase(path.starved.begin() + static_cast<std::ptrdiff_t>(at));
    session.starved = false;
    start(s, queue, now);
    mark(session.hop);
  }
  agenda_.arm_path(p, path.pacer->next_message(now).at);
}

// Whether the session should end so that another hop of its provider gets the connection.
bool Dispatcher::should_yield(const Session& session, std::uint32_t own_queue, bool is_tight,
                              Instant now) {
  const Path& path = paths_[session.path];
  const Provider& provider = next_hops_.providers[path.provider];
  if (provider.waiting == 0 || path.closing >= provider.waiting) return false;
  const bool tight = is_tight || !path.pacer->next_connection(now).is_free() ||
                     !path.pacer->next_message(now).is_free();
  if (!tight || path.pacer->is_held()) return false;
  const WaitGroup* group = opener_.rival(path, session.hop, now);
  if (group == nullptr) return false;
  const Hop& other_hop = next_hops_.hops[lanes_.queues[opener_.front(*group)].hop];
  const std::uint8_t own_class = lanes_.lanes[lanes_.queues[own_queue].lane].message_class;
  const int own_priority = settings_.message_class(own_class).priority;
  const int its_priority = settings_.message_class(group->message_class).priority;
  if (its_priority < own_priority && opener_.urgency(*group, now) < lanes_.urgency(own_queue, now))
    return false;
  if (its_priority > own_priority) return true;
  if (other_hop.sessions + 1 < next_hops_.hops[session.hop].sessions) return true;
  return other_hop.sessions == 0 && session.started >= messages_per_turn;
}

void Dispatcher::start(std::uint32_t s, std::uint32_t queue, Instant now) {
  Session& session = book_.sessions[s];
  book_.unlist(s);
  lanes_.end_turn(queue);
  const std::uint32_t t = make_transaction(s, queue, now);
  Transaction& transaction = book_.transactions[t];
  transaction.ordered = true;
  transaction.grant = session.grant ? std::exchange(session.grant, {})
                                    : paths_[session.path].pacer->begin_attempt(now);
  ++paths_[session.path].turns;
  const std::uint32_t provider = paths_[session.path].provider;
  transaction.cells = cells_.met_by(ledger_.messages[transaction.message], provider);
  transaction.cells_begun = now;
  if (transaction.cells.any()) cells_.table.begin(transaction.cells, now);
  session_hosts_.begin(session, transaction, now);
  if (settings_.config().pacing.learns) {
    const Message& message = ledger_.messages[transaction.message];
    suspects_.sent(session.path, {message.tenant, message.campaign}, now);
  }
  StartTransaction order;
  order.session = session.id;
  order.transaction = transaction.id;
  order.message = ledger_.messages[transaction.message].id;
  order.recipients.reserve(siblings_.size());
  for (const std::uint32_t r : siblings_) order.recipients.push_back(ledger_.recipients[r].index);
  orders_.emplace_back(std::move(order));
  if (session.in_flight == 0) doctor_.awaits_reply(s, now);
  ++session.in_flight;
  ++session.started;
  if (session.started >= paths_[session.path].pacer->caps().messages_per_connection_max) {
    book_.close(s, true);
  } else {
    book_.list_free(s);
  }
}

// Takes the next recipient of the queue, and those of the same message that are ready for the same
// hop, into a transaction. They are left in `siblings_` too.
std::uint32_t Dispatcher::make_transaction(std::uint32_t s, std::uint32_t q, Instant now) {
  const std::uint32_t first = choice_.next_recipient(q, paths_[book_.sessions[s].path], now);
  const std::size_t most =
      std::min<std::size_t>(settings_.config().recipients_per_transaction_max,
                            next_hops_.hops[lanes_.queues[q].hop].recipients_max);
  collect_siblings(q, first, most);
  for (const std::uint32_t r : siblings_) withdraw(r);
  return book_.begin_transaction(s, siblings_);
}

void Dispatcher::collect_siblings(std::uint32_t q, std::uint32_t first, std::size_t most) {
  const auto& recipients = ledger_.recipients;
  const Message& message = ledger_.messages[recipients[first].message];
  siblings_.assign(1, first);
  if (message.recipients_left == 1 || most == 1) return;
  // Round the chain once, from `first`.
  std::uint32_t r = first;
  for (std::size_t seen = 1; seen < siblings_examined_max && siblings_.size() < most; ++seen) {
    r = recipients[r].next_of_message == no_index ? message.first_recipient
                                                  : recipients[r].next_of_message;
    if (r == first) break;
    if (recipients[r].stage == Stage::ready && recipients[r].place == q) siblings_.push_back(r);
  }
  std::sort(siblings_.begin(), siblings_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return recipients[a].index < recipients[b].index;
  });
}

}  // namespace mailweir::engine
