// How a session is opened: host after host, connect, EHLO, STARTTLS.
#include <fmt/format.h>

#include "base/assert.h"
#include "simulate/virtual_network.h"

namespace mailweir::simulate {

using engine::Failure;
using world::Answer;

namespace {

// As delivery::DeliveryOptions has them.
constexpr std::size_t addresses_max = 5;
constexpr std::size_t refusals_max = 2;
constexpr Duration connect_timeout = std::chrono::seconds(30);
constexpr Duration greeting_timeout = std::chrono::seconds(300);  // banner, and EHLO
constexpr Duration tls_timeout = std::chrono::seconds(120);

}  // namespace

void VirtualNetwork::begin_attempt(std::uint32_t index, Instant now) {
  Connection& c = connections_[index];
  c.attempt_began = now;
  const auto place = atlas_.find_host(c.hosts[c.host_at]);
  WEIR_ASSERT(place.has_value() && place->provider == c.provider);
  c.visit = world::Visit{.source = c.visit.source, .host = place->host};
  plan(now + c.one_way, EventKind::server_connect, index);
}

void VirtualNetwork::serve_connect(std::uint32_t index, Instant now) {
  Connection& c = connections_[index];
  if (!reachable_[c.provider][c.visit.host]) {
    fail_attempt(index, Phase::connect, Failure::connect_timeout,
                 c.attempt_began + connect_timeout);
    return;
  }
  c.is_visiting = true;
  const Answer answer = receiver(c).connect(c.visit, now);
  const bool is_taken = answer.kind != Answer::Kind::silence && answer.kind != Answer::Kind::reset;
  if (is_taken) plan(now + c.one_way, EventKind::client_connected, index);
  if (!is_passed(index, answer, Phase::banner, now)) return;
  // SYN-ACK, ACK, banner; then EHLO on its way.
  plan(now + answer.delay + 4 * c.one_way, EventKind::server_ehlo, index);
}

void VirtualNetwork::connected(std::uint32_t index, Instant) {
  const Connection& c = connections_[index];
  report(c, engine::SessionConnected{.session = c.id, .host = c.hosts[c.host_at]});
}

void VirtualNetwork::serve_ehlo(std::uint32_t index, Instant now) {
  Connection& c = connections_[index];
  const Answer answer = receiver(c).ehlo(c.visit, now);
  if (!is_passed(index, answer, Phase::ehlo, now)) return;
  const bool wants_tls = scenario_.providers[c.provider].tls && c.may_use_tls && !c.visit.uses_tls;
  if (wants_tls) {
    // The reply, STARTTLS and its reply, the handshake.
    plan(now + answer.delay + 4 * c.one_way, EventKind::server_tls, index);
  } else {
    plan(now + answer.delay + c.one_way, EventKind::client_opened, index);
  }
}

void VirtualNetwork::serve_tls(std::uint32_t index, Instant now) {
  Connection& c = connections_[index];
  const Answer answer = receiver(c).tls(c.visit, now);
  if (!is_passed(index, answer, Phase::tls_handshake, now)) return;
  c.visit.uses_tls = true;
  // EHLO is said again (RFC 3207 section 4.2); its answer is the one given before.
  plan(now + answer.delay + 3 * c.one_way, EventKind::client_opened, index);
}

// False: the attempt fails, at its time.
bool VirtualNetwork::is_passed(std::uint32_t index, const Answer& answer, Phase phase,
                               Instant now) {
  Connection& c = connections_[index];
  const bool is_tls = phase == Phase::tls_handshake;
  const bool is_connect = phase == Phase::banner;
  const Duration patience = is_tls ? tls_timeout : greeting_timeout;
  const Instant heard = now + answer.delay + c.one_way;
  const Failure timeout = is_tls ? Failure::tls_failed : Failure::timeout;
  if (answer.kind == Answer::Kind::silence && is_connect) {
    fail_attempt(index, Phase::connect, Failure::connect_timeout,
                 c.attempt_began + connect_timeout);
    return false;
  }
  if (answer.kind == Answer::Kind::silence || answer.delay > patience) {
    fail_attempt(index, phase, timeout, now + c.one_way + patience);
    return false;
  }
  switch (answer.kind) {
    case Answer::Kind::accept:
      return true;
    case Answer::Kind::close:
      fail_attempt(index, phase, is_tls ? Failure::tls_failed : Failure::closed, heard);
      break;
    case Answer::Kind::reset:
      fail_attempt(index, is_connect ? Phase::connect : phase,
                   is_connect ? Failure::connect_refused
                   : is_tls   ? Failure::tls_failed
                              : Failure::reset,
                   heard);
      break;
    case Answer::Kind::reply:
      fail_attempt(index, phase, is_tls ? Failure::tls_failed : Failure::none, heard);
      if (!is_tls) {
        c.attempts.back().reply = answer.reply;
        ++c.refusals;
      }
      break;
    case Answer::Kind::silence:
      break;
  }
  return false;
}

void VirtualNetwork::fail_attempt(std::uint32_t index, Phase phase, Failure failure, Instant at) {
  Connection& c = connections_[index];
  const std::string& host = c.hosts[c.host_at];
  c.attempts.push_back({.host = host,
                        .address = {},
                        .phase = phase,
                        .failure = failure,
                        .reply = {},
                        .elapsed = at - c.attempt_began,
                        .transcript = {}});
  plan(at, EventKind::client_attempt_failed, index);
}

void VirtualNetwork::attempt_failed(std::uint32_t index, Instant now) {
  Connection& c = connections_[index];
  leave(c, now);
  if (c.attempts.back().failure == Failure::tls_failed && c.may_use_tls) {
    c.may_use_tls = false;  // again in clear: TLS is opportunistic (RFC 7435)
    begin_attempt(index, now);
    return;
  }
  ++c.host_at;
  if (c.host_at < std::min(c.hosts.size(), addresses_max) && c.refusals < refusals_max) {
    c.may_use_tls = true;
    begin_attempt(index, now);
    return;
  }
  report(c, engine::SessionFailed{c.id, std::move(c.attempts)});
  release(index, now);
}

void VirtualNetwork::opened(std::uint32_t index, Instant now) {
  Connection& c = connections_[index];
  c.stage = Stage::open;
  report(c, engine::SessionOpened{.session = c.id,
                                  .host = c.hosts[c.host_at],
                                  .address = {},
                                  .tls = c.visit.uses_tls ? "TLSv1.3" : "",
                                  .failed_before = std::move(c.attempts),
                                  .timings = {}});
  go_on(index, now);
}

}  // namespace mailweir::simulate
