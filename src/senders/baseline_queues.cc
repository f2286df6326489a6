#include <algorithm>
#include <span>
#include <utility>

#include "base/assert.h"
#include "engine/router.h"
#include "senders/baseline.h"

namespace mailweir::senders {

using engine::no_index;
namespace list = engine::list;

namespace {

constexpr Duration unrouted_rest = std::chrono::minutes(5);

}  // namespace

// --- routes

std::uint32_t Baseline::domain_of(std::string_view name) {
  const std::uint32_t known = domain_names_.find(name);
  if (known != no_index) return known;
  const std::uint32_t id = domain_names_.intern(name);
  const std::uint32_t slot = domains_.allocate();
  WEIR_ASSERT(slot == id);
  assign_configured(domains_[id], name);
  return id;
}

bool Baseline::assign_configured(Domain& domain, std::string_view name) {
  for (const engine::StaticRoute& row : settings_.config().routes) {
    if (!engine::route_matches(row.domain, name)) continue;
    engine::NextHopTable::Target target;
    for (const std::string& host : row.hosts) {
      target.hosts.push_back({static_cast<std::uint16_t>(target.hosts.size()), host});
    }
    target.port = row.port;
    target.is_smarthost = true;
    target.provider = row.provider;
    assign(domain, name, std::move(target), never);
    return true;
  }
  return false;
}

void Baseline::assign(Domain& domain, std::string_view name, engine::NextHopTable::Target target,
                      Instant fresh_until) {
  const std::uint32_t hop = next_hops_.intern(std::move(target), name);
  domain.hop = next_hops_.hops[hop].next_hop;
  domain.fresh_until = fresh_until;
  domain.is_asked = false;
  switch (habits_.destination) {
    case Habits::Destination::domain:
      domain.destination = destination_names_.intern(name);
      return;
    case Habits::Destination::mx_set:
      domain.destination = destination_names_.intern(std::to_string(hop));
      return;
    case Habits::Destination::provider:
      domain.destination = destination_names_.intern(domain.hop->provider);
      return;
  }
}

void Baseline::ask(Domain& domain, std::string_view name) {
  if (domain.is_asked) return;
  domain.is_asked = true;
  orders_.emplace_back(engine::ResolveRoute{std::string(name)});
}

void Baseline::route(std::uint32_t i, bool is_new, Instant now) {
  const std::uint32_t d = items_[i].domain;
  Domain& domain = domains_[d];
  if (now >= domain.fresh_until) ask(domain, domain_names_[d]);
  if (domain.hop) {  // a stale route serves until the answer is there
    line_up(i, is_new, now);
  } else {
    list::push_back(items_, &Item::links, domain.waiting, i);
  }
}

void Baseline::on_route(const engine::RouteFound& found, Instant now) {
  const std::uint32_t d = domain_names_.find(found.domain);
  if (d == no_index || !domains_[d].is_asked) return;
  Domain& domain = domains_[d];
  assign(domain, found.domain, {.hosts = found.hosts, .port = settings_.config().mx_port},
         now + std::max<Duration>(found.time_to_live, std::chrono::seconds(5)));
  while (!domain.waiting.empty()) {
    const std::uint32_t i = domain.waiting.first;
    list::erase(items_, &Item::links, domain.waiting, i);
    line_up(i, items_[i].rests == 0, now);
  }
}

void Baseline::on_route_failed(const engine::RouteFailed& failure, Instant now) {
  const std::uint32_t d = domain_names_.find(failure.domain);
  if (d == no_index) return;
  Domain& domain = domains_[d];
  domain.is_asked = false;
  const bool is_final =
      engine::classify_route_failure(failure.failure) == engine::RecipientAction::bounce;
  const engine::RecipientResult result{
      .phase = Phase::resolve, .failure = failure.failure, .reply = {}};
  while (!domain.waiting.empty()) {
    const std::uint32_t i = domain.waiting.first;
    list::erase(items_, &Item::links, domain.waiting, i);
    if (is_final) {
      settle(i, result, Disposition::bounced, {});
    } else {
      refuse(i, unrouted_rest, result, {}, now);
    }
  }
}

// --- paths

std::uint16_t Baseline::choose_source(const Item& item, Instant now) {
  const std::uint8_t pool = letters_[item.letter].pool;
  const std::span<const std::uint16_t> sources = settings_.sources_of(pool);
  std::uint16_t chosen = sources[turn_[pool]++ % sources.size()];
  if (!habits_.avoids_suspended) return chosen;
  const std::uint32_t destination = domains_[item.domain].destination;
  if (destination == no_index) return chosen;
  for (std::size_t tried = 0; tried < sources.size(); ++tried) {
    if (paths_[path_of(chosen, destination)].policy->suspended_until(now) <= now) break;
    chosen = sources[turn_[pool]++ % sources.size()];
  }
  return chosen;
}

std::uint32_t Baseline::path_of(std::uint16_t source, std::uint32_t destination) {
  std::vector<std::uint32_t>& known = sources_[source].path_of;
  if (destination >= known.size()) known.resize(destination + 1, no_index);
  if (known[destination] == no_index) {
    known[destination] = paths_.allocate();
    Path& path = paths_[known[destination]];
    path.policy = make_policy_();
    path.source = source;
  }
  return known[destination];
}

// --- queues

void Baseline::line_up(std::uint32_t i, bool is_new, Instant now) {
  if (habits_.active_limit == 0) {
    enter(i, now);
    return;
  }
  Source& source = sources_[items_[i].source];
  list::push_back(items_, &Item::links, is_new ? source.incoming : source.due, i);
  admit(items_[i].source, now);
}

void Baseline::admit(std::uint16_t s, Instant now) {
  Source& source = sources_[s];
  while (source.active < habits_.active_limit && !(source.incoming.empty() && source.due.empty())) {
    const bool take_due = source.incoming.empty() || (source.takes_due && !source.due.empty());
    source.takes_due = !take_due;
    engine::ListEnds& from = take_due ? source.due : source.incoming;
    const std::uint32_t i = from.first;
    list::erase(items_, &Item::links, from, i);
    items_[i].is_active = true;
    ++source.active;
    enter(i, now);
  }
}

void Baseline::leave_active(Item& item) {
  if (!item.is_active) return;
  item.is_active = false;
  --sources_[item.source].active;
}

void Baseline::enter(std::uint32_t i, Instant now) {
  Item& item = items_[i];
  if (habits_.chooses_source_again) item.source = choose_source(item, now);
  const std::uint32_t p = path_of(item.source, domains_[item.domain].destination);
  list::push_back(items_, &Item::links, paths_[p].queue, i);
  pump(p, now);
}

void Baseline::put_off_queue(Path& path, Instant now) {
  while (!path.queue.empty()) {
    const std::uint32_t i = path.queue.first;
    list::erase(items_, &Item::links, path.queue, i);
    ++items_[i].rests;
    rest(i, path.policy->retry_after(waiting(items_[i], now), now), now);
  }
}

void Baseline::rest(std::uint32_t i, Duration how_long, Instant now) {
  Item& item = items_[i];
  leave_active(item);
  item.due = now + how_long;
  if (const Duration run = habits_.queue_run; run > Duration{}) {
    // Files carry whole seconds, so what is refused right after a run is due at a run again.
    item.due = std::chrono::floor<std::chrono::seconds>(item.due);
    const Duration past = item.due.time_since_epoch() % run;
    if (past > Duration{}) item.due += run - past;
  }
  retries_.schedule(i);
  ++totals_.deferred;
}

Waiting Baseline::waiting(const Item& item, Instant now) const {
  return {.age = now - letters_[item.letter].accepted, .attempts = item.rests};
}

bool Baseline::has_expired(const Item& item, Instant now) const {
  return now >= letters_[item.letter].expires;
}

// --- ends

void Baseline::refuse(std::uint32_t i, Duration rest_for, const engine::RecipientResult& result,
                      std::string_view host, Instant now) {
  Item& item = items_[i];
  if (has_expired(item, now)) {
    settle(i, result, Disposition::expired, host);
    return;
  }
  rest(i, rest_for, now);
  orders_.emplace_back(engine::RecordState{.message = letters_[item.letter].id,
                                           .recipient = item.index,
                                           .disposition = Disposition::deferred,
                                           .attempts = item.attempts,
                                           .due = item.due,
                                           .failure = result.failure,
                                           .phase = result.phase,
                                           .reply = result.reply});
}

void Baseline::settle(std::uint32_t i, const engine::RecipientResult& result,
                      Disposition disposition, std::string_view host) {
  Item& item = items_[i];
  Letter& letter = letters_[item.letter];
  leave_active(item);
  const bool finished = --letter.recipients_left == 0;
  orders_.emplace_back(engine::Settle{.message = letter.id,
                                      .recipient = item.index,
                                      .disposition = disposition,
                                      .attempts = item.attempts,
                                      .failure = result.failure,
                                      .phase = result.phase,
                                      .reply = result.reply,
                                      .host = std::string(host),
                                      .message_finished = finished,
                                      .recipients_total = letter.recipients_total});
  --totals_.recipients;
  if (finished) {
    --totals_.messages;
    letters_.release(item.letter);
  }
  items_.release(i);
}

}  // namespace mailweir::senders
