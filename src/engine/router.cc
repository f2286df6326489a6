#include "engine/router.h"

#include <algorithm>

#include "base/assert.h"

namespace mailweir::engine {
namespace {

// A time to live shorter than this is not worth another look-up for every message.
constexpr Duration time_to_live_min = std::chrono::seconds(5);

// Until a domain that a hand names is asked about again. Only a failure of the DNS itself is
// likely to be over soon.
Duration look_up_wait(Failure failure) {
  return failure == Failure::dns_temporary ? std::chrono::minutes(1) : std::chrono::minutes(10);
}

}  // namespace

bool route_matches(std::string_view pattern, std::string_view domain) {
  if (pattern == "*") return true;
  if (!pattern.starts_with("*.")) return pattern == domain;
  const std::string_view suffix = pattern.substr(1);
  return domain.size() > suffix.size() && domain.ends_with(suffix);
}

std::optional<NextHopTable::Target> Router::configured_target(std::string_view domain) const {
  for (const StaticRoute& row : settings_.config().routes) {
    if (!route_matches(row.domain, domain)) continue;
    NextHopTable::Target target;
    for (const std::string& host : row.hosts) {
      target.hosts.push_back({static_cast<std::uint16_t>(target.hosts.size()), host});
    }
    target.port = row.port;
    target.is_smarthost = true;
    target.provider = row.provider;
    return target;
  }
  return std::nullopt;
}

std::uint32_t Router::configured(std::string_view domain) {
  auto target = configured_target(domain);
  return target ? next_hops_.intern(std::move(*target), domain) : no_index;
}

std::string Router::provider_of(std::string_view domain) const {
  const std::uint32_t d = ledger_.domains.find(domain);
  if (d != no_index && ledger_.domains[d].next_hop != no_index)
    return next_hops_.hops[ledger_.domains[d].next_hop].next_hop->provider;
  const auto target = configured_target(domain);
  return target ? next_hops_.provider_key(*target) : std::string();
}

void Router::look_up(std::string_view name, Instant now) {
  const std::uint32_t d = ledger_.domains.intern(name);
  Domain& domain = ledger_.domains[d];
  if (domain.tally.empty()) ledger_.domains.set_idle(d, now);
  if (domain.next_hop != no_index) return bind_hands(domain, now);
  if (const std::uint32_t hop = configured(name); hop != no_index) {
    assign(d, hop, never, now);
  } else if (domain.route != RouteState::asked) {
    ask(domain);
  }
}

bool Router::is_hand_unbound(std::string_view domain) const {
  return std::ranges::any_of(dispatcher_.paths().hands(), [&](const PathHand& hand) {
    return hand.names_domain && hand.bound.empty() && hand.provider == domain;
  });
}

void Router::look_up_again_after(const RouteFailed& failure, Instant now) {
  std::erase_if(unbound_, [&](const Unbound& each) { return each.domain == failure.domain; });
  if (is_hand_unbound(failure.domain))
    unbound_.push_back({failure.domain, now + look_up_wait(failure.failure)});
}

void Router::on_time(Instant now) {
  const auto due =
      std::ranges::partition(unbound_, [&](const Unbound& each) { return each.ask_again > now; });
  const std::vector<Unbound> asked(due.begin(), due.end());
  unbound_.erase(due.begin(), due.end());
  for (const Unbound& each : asked) {
    if (is_hand_unbound(each.domain)) look_up(each.domain, now);
  }
}

Instant Router::next_wakeup() const {
  Instant soonest = never;
  for (const Unbound& each : unbound_) soonest = std::min(soonest, each.ask_again);
  return soonest;
}

void Router::route(std::uint32_t r, Lanes::Entry entry, Instant now) {
  const std::uint32_t d = ledger_.recipients[r].domain;
  Domain& domain = ledger_.domains[d];
  if (domain.route == RouteState::unknown && domain.next_hop == no_index) {
    if (const std::uint32_t hop = configured(domain.name); hop != no_index)
      assign(d, hop, never, now);
  }
  if (domain.route == RouteState::known && now < domain.route_expires) {
    dispatcher_.enter(r, domain.next_hop, entry);
    return;
  }
  list::push_back(ledger_.recipients, &Recipient::links, domain.waiting, r);
  ledger_.move(r, Stage::routing);
  if (domain.route != RouteState::asked) ask(domain);
}

void Router::ask(Domain& domain) {
  if (dispatcher_.paused()) {
    domain.route = RouteState::unknown;
    return;
  }
  domain.route = RouteState::asked;
  orders_.emplace_back(ResolveRoute{domain.name});
}

void Router::withdraw(std::uint32_t r) {
  WEIR_ASSERT(ledger_.recipients[r].stage == Stage::routing);
  list::erase(ledger_.recipients, &Recipient::links,
              ledger_.domains[ledger_.recipients[r].domain].waiting, r);
  ledger_.move(r, Stage::entering);
}

void Router::assign(std::uint32_t d, std::uint32_t hop, Instant expires, Instant now) {
  Domain& domain = ledger_.domains[d];
  ++next_hops_.hops[hop].domains;
  unassign(domain);
  domain.next_hop = hop;
  domain.route = RouteState::known;
  domain.route_expires = expires;
  if (settings_.overrides_name(domain.name))
    dispatcher_.refresh_caps(next_hops_.hops[hop].provider, now);
  bind_hands(domain, now);
}

// A domain that moves takes the hands that name it along.
void Router::bind_hands(const Domain& domain, Instant now) {
  const std::string& provider = next_hops_.hops[domain.next_hop].next_hop->provider;
  const auto bound = dispatcher_.path_table().bind_hands(domain.name, provider);
  for (const std::uint64_t id : bound) orders_.emplace_back(KeepHand{id});
  if (!bound.empty()) dispatcher_.refresh_all_caps(now);
}

void Router::unassign(Domain& domain) {
  if (domain.next_hop != no_index) dispatcher_.unroute(domain.next_hop);
  domain.next_hop = no_index;
  domain.route = RouteState::unknown;
}

void Router::drain_waiting(std::uint32_t d) {
  Domain& domain = ledger_.domains[d];
  while (!domain.waiting.empty()) {
    const std::uint32_t r = domain.waiting.first;
    withdraw(r);
    dispatcher_.enter(r, domain.next_hop, Lanes::Entry::behind);
  }
}

void Router::found(const RouteFound& route, Instant now) {
  const std::uint32_t d = ledger_.domains.find(route.domain);
  if (d == no_index || ledger_.domains[d].route != RouteState::asked)
    return;  // a reload has given it another route
  const std::uint32_t hop =
      next_hops_.intern({.hosts = route.hosts, .port = settings_.config().mx_port}, route.domain);
  const Duration fresh =
      std::clamp(route.time_to_live, std::min(time_to_live_min, settings_.config().route_ttl_max),
                 settings_.config().route_ttl_max);
  assign(d, hop, now + fresh, now);
  drain_waiting(d);
}

std::vector<std::uint32_t> Router::failed(const RouteFailed& failure, Instant now) {
  std::vector<std::uint32_t> recipients;
  const std::uint32_t d = ledger_.domains.find(failure.domain);
  if (d == no_index || ledger_.domains[d].route != RouteState::asked) return recipients;
  Domain& domain = ledger_.domains[d];
  unassign(domain);
  look_up_again_after(failure, now);
  while (!domain.waiting.empty()) {
    recipients.push_back(domain.waiting.first);
    withdraw(recipients.back());
  }
  return recipients;
}

void Router::resume(Instant now) {
  for (std::uint32_t d = 0; d < ledger_.domains.extent(); ++d) {
    Domain& domain = ledger_.domains[d];
    if (!domain.waiting.empty() && domain.route != RouteState::asked) ask(domain);
  }
  for (const PathHand& hand : dispatcher_.paths().hands()) {
    if (hand.names_domain && hand.bound.empty()) look_up(hand.provider, now);
  }
}

void Router::reconfigured(Instant now) {
  for (std::uint32_t d = 0; d < ledger_.domains.extent(); ++d) {
    Domain& domain = ledger_.domains[d];
    if (domain.name.empty()) continue;
    const std::uint32_t hop = configured(domain.name);
    if (hop != no_index) {
      assign(d, hop, never, now);
      drain_waiting(d);
    } else if (domain.next_hop != no_index &&
               next_hops_.hops[domain.next_hop].next_hop->is_smarthost) {
      unassign(domain);
    }
  }
}

void Router::sweep(Instant now) {
  const std::uint32_t d = ledger_.domains.forgettable(now - settings_.config().route_ttl_max);
  if (d == no_index) return;
  unassign(ledger_.domains[d]);
  ledger_.domains.forget(d);
}

}  // namespace mailweir::engine
