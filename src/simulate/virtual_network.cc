#include "simulate/virtual_network.h"

#include <algorithm>

#include "base/assert.h"

namespace mailweir::simulate {

using engine::Failure;

namespace {

constexpr Duration look_up_time = std::chrono::milliseconds(20);
constexpr Duration look_up_timeout = std::chrono::seconds(5);
constexpr Duration route_ttl = std::chrono::hours(1);

engine::TransactionDone cancelled(const engine::StartTransaction& order) {
  engine::TransactionDone done{order.session, order.transaction, order.message, {}, {}, {}, {}};
  for (const std::uint16_t recipient : order.recipients)
    done.results.push_back({recipient, Phase::idle, Failure::cancelled, {}});
  return done;
}

}  // namespace

VirtualNetwork::VirtualNetwork(const Scenario& scenario, const Atlas& atlas, Receivers& receivers,
                               VirtualSpool& spool, EventQueue& events, std::uint64_t seed)
    : scenario_(scenario),
      atlas_(atlas),
      receivers_(receivers),
      spool_(spool),
      events_(events),
      random_(seed),
      dns_failing_(scenario.providers.size()) {
  for (const Provider& provider : scenario.providers) reachable_.emplace_back(provider.hosts, true);
}

std::uint32_t VirtualNetwork::allocate() {
  if (free_.empty()) {
    connections_.emplace_back();
    return static_cast<std::uint32_t>(connections_.size() - 1);
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  return index;
}

// What is planned for the connection is of no effect any more.
void VirtualNetwork::release(std::uint32_t index, Instant now) {
  Connection& c = connections_[index];
  leave(c, now);
  by_id_.erase(c.id.value);
  const std::uint32_t stamp = c.stamp + 1;
  c = Connection{};
  c.stamp = stamp;
  free_.push_back(index);
}

void VirtualNetwork::leave(Connection& c, Instant now) {
  if (!std::exchange(c.is_visiting, false)) return;
  receivers_[c.provider]->leave(c.visit, now);
}

void VirtualNetwork::carry_out(const engine::ResolveRoute& order, Instant now) {
  const auto domain = atlas_.find_domain(order.domain);
  WEIR_ASSERT(domain.has_value());
  const double failing = dns_failing_[atlas_.provider_of(*domain)];
  const bool fails = failing > 0 && random_.unit() < failing;
  // The lowest bit says which; a look-up is answered as things were when it was asked.
  events_.plan(now + (fails ? look_up_timeout : look_up_time), EventKind::route_answer, *domain,
               generation_ * 2 + (fails ? 1 : 0));
}

void VirtualNetwork::answer_route(const Event& event) {
  if (event.stamp / 2 != generation_) return;
  const std::string& domain = atlas_.domain_name(event.target);
  if (event.stamp % 2 == 1) {
    reports_.push_back({engine::RouteFailed{domain, Failure::dns_temporary, "no answer"}, 0});
  } else {
    reports_.push_back({engine::RouteFound{domain, atlas_.hosts_of(event.target), route_ttl}, 0});
  }
}

std::uint32_t VirtualNetwork::carry_out(const engine::OpenSession& order, Instant now) {
  const auto place = atlas_.find_host(order.next_hop->hosts.front().name);
  WEIR_ASSERT(place.has_value());
  const std::uint32_t index = allocate();
  Connection& c = connections_[index];
  c.id = order.session;
  c.next_hop = order.next_hop;
  c.provider = place->provider;
  c.path = std::uint32_t{order.source} * atlas_.providers() + place->provider;
  c.visit.source = atlas_.source(order.source);
  const Provider& provider = scenario_.providers[c.provider];
  const double stretch = 1 + provider.jitter * (2 * random_.unit() - 1);
  c.one_way =
      std::max(Duration(1), Duration(static_cast<std::int64_t>(
                                static_cast<double>(provider.latency.count()) / 2 * stretch)));
  const auto hosts = engine::hosts_to_try(order);
  for (const auto& host : hosts) c.hosts.push_back(host.name);
  // RFC 5321 section 5.1: hosts of equal preference share the load. All of ours are equal.
  for (std::size_t i = c.hosts.size(); i > 1; --i)
    std::swap(c.hosts[i - 1], c.hosts[random_.below(i)]);
  const auto first = std::ranges::find(c.hosts, order.first);
  if (first != c.hosts.end()) std::iter_swap(c.hosts.begin(), first);
  by_id_.emplace(c.id.value, index);
  begin_attempt(index, now);
  return c.path;
}

VirtualNetwork::Started VirtualNetwork::carry_out(engine::StartTransaction order, Instant now) {
  const auto found = by_id_.find(order.session.value);
  if (found == by_id_.end()) {
    reports_.push_back({.what = cancelled(order), .is_late = true});
    return {.is_late = true};
  }
  Connection& c = connections_[found->second];
  Transaction& transaction = c.transactions.emplace_back();
  transaction.results.reserve(order.recipients.size());
  for (const std::uint16_t recipient : order.recipients)
    transaction.results.push_back({recipient, Phase::mail, Failure::none, {}});
  transaction.order = std::move(order);
  const Started started{.path = c.path, .number = ++c.messages};
  if (c.stage == Stage::open) go_on(found->second, now);
  return started;
}

void VirtualNetwork::carry_out(const engine::CloseSession& order, Instant now) {
  const auto found = by_id_.find(order.session.value);
  if (found == by_id_.end()) return;
  connections_[found->second].is_closing = true;
  if (connections_[found->second].stage == Stage::open) go_on(found->second, now);
}

void VirtualNetwork::on_event(const Event& event, Instant now) {
  if (event.kind() == EventKind::route_answer) return answer_route(event);
  const std::uint32_t index = event.target;
  if (connections_[index].stamp != event.stamp) return;
  Connection& c = connections_[index];
  switch (event.kind()) {
    case EventKind::server_connect:
      return serve_connect(index, now);
    case EventKind::client_connected:
      return connected(index, now);
    case EventKind::server_ehlo:
      return serve_ehlo(index, now);
    case EventKind::server_tls:
      return serve_tls(index, now);
    case EventKind::server_envelope:
      c.inbox.push_back(Unit::envelope);
      return serve(index, now);
    case EventKind::server_content:
      c.inbox.push_back(Unit::content);
      return serve(index, now);
    case EventKind::server_content_and_envelope:
      c.inbox.push_back(Unit::content);
      c.inbox.push_back(Unit::envelope);
      return serve(index, now);
    case EventKind::server_goes_on:
      c.is_waiting = false;
      c.has_answer = true;
      return serve(index, now);
    case EventKind::client_opened:
      return opened(index, now);
    case EventKind::client_attempt_failed:
      return attempt_failed(index, now);
    case EventKind::client_reply:
      return hear(index, now);
    case EventKind::client_lost:
      return lost(index, Failure::timeout, now);
    case EventKind::client_reset:
      return lost(index, Failure::reset, now);
    case EventKind::client_quit_done:
      return end(index, Failure::none, {}, now);
    default:
      WEIR_ASSERT(false);
  }
}

void VirtualNetwork::crash(Instant now) {
  ++generation_;
  for (std::uint32_t index = 0; index < connections_.size(); ++index) {
    if (connections_[index].next_hop != nullptr) release(index, now);
  }
  reports_.clear();
}

void VirtualNetwork::set_reachable(std::uint16_t provider, std::uint16_t host, bool reachable,
                                   Instant now) {
  reachable_[provider][host] = reachable;
  if (reachable) return;
  for (std::uint32_t index = 0; index < connections_.size(); ++index) {
    const Connection& c = connections_[index];
    if (c.next_hop != nullptr && c.provider == provider && c.is_visiting && c.visit.host == host &&
        c.stage != Stage::opening)
      plan(now + c.one_way, EventKind::client_reset, index);
  }
}

}  // namespace mailweir::simulate
