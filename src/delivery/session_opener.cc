#include "delivery/session_opener.h"

#include <algorithm>
#include <boost/asio/error.hpp>

#include "base/random.h"
#include "delivery/host_lookup.h"
#include "smtp/client_transcript.h"

namespace mailweir::delivery {
namespace {

using engine::Failure;
using smtp::HandshakeStep;
using smtp::StartTls;
using Tcp = boost::asio::ip::tcp;

constexpr std::size_t refusals_max = 2;

Failure failure_of(runtime::DnsFailure failure) {
  switch (failure) {
    case runtime::DnsFailure::no_such_domain:
    case runtime::DnsFailure::no_data:
      return Failure::dns_no_such_domain;
    case runtime::DnsFailure::temporary:
    case runtime::DnsFailure::bogus:
      return Failure::dns_temporary;
    case runtime::DnsFailure::cancelled:
      return Failure::cancelled;
  }
  return Failure::dns_temporary;
}

Failure connect_failure_of(const boost::system::error_code& error) {
  namespace errc = boost::system::errc;
  if (error == errc::connection_refused) return Failure::connect_refused;
  if (error == errc::connection_reset) return Failure::connect_reset;
  if (error == errc::timed_out) return Failure::connect_timeout;
  return Failure::network_unreachable;
}

StartTls start_tls_of(TlsMode mode) {
  switch (mode) {
    case TlsMode::off:
      return StartTls::never;
    case TlsMode::opportunistic:
      return StartTls::if_offered;
    case TlsMode::required:
      return StartTls::required;
  }
  return StartTls::if_offered;
}

// A host of a next hop may be written as an address, in brackets or not.
std::string_view without_brackets(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    return host.substr(1, host.size() - 2);
  return host;
}

// IPv6 first, then in turn, so that a network without working IPv6 costs one try.
std::vector<std::string> interleave(std::vector<std::string> first,
                                    std::vector<std::string> second) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) all.push_back(std::move(first[i]));
    if (i < second.size()) all.push_back(std::move(second[i]));
  }
  return all;
}

}  // namespace

SessionOpener::SessionOpener(const SessionPorts& ports, SessionWatch& watch,
                             std::shared_ptr<const Settings> settings,
                             const engine::OpenSession& order)
    : ports_(ports), watch_(watch), settings_(std::move(settings)), order_(order) {
  opened_.session = order_.session;
  if (order_.source < settings_->sources.size()) source_ = &settings_->sources[order_.source];
}

runtime::Task<bool> SessionOpener::open() {
  attempt_began_ = phase_began_ = ports_.clock.now();
  if (source_ == nullptr) {
    fail(Failure::source_unusable, "there is no such source any more");
    co_return false;
  }
  for (std::string& host : hosts_in_order()) {
    const Next next = co_await try_host(std::move(host));
    if (next == Next::open) co_return true;
    if (next == Next::give_up) break;
  }
  if (opened_.failed_before.empty()) {
    fail(Failure::dns_no_such_domain, "the next hop has no hosts");
  }
  co_return false;
}

std::vector<std::string> SessionOpener::hosts_in_order() const {
  auto hosts = engine::hosts_to_try(order_);
  if (!order_.next_hop->is_smarthost) {
    // RFC 5321 section 5.1: spread the load among hosts of equal preference.
    SeededRandom random(order_.session.value);
    for (std::size_t i = hosts.size(); i > 1; --i) std::swap(hosts[i - 1], hosts[random.below(i)]);
    std::ranges::sort(hosts, {}, &engine::RouteFound::Host::preference);
  }
  std::vector<std::string> names;
  for (auto& host : hosts) names.push_back(std::move(host.name));
  return names;
}

runtime::Task<SessionOpener::Next> SessionOpener::try_host(std::string host) {
  attempt_ = {};
  attempt_.host = host;
  attempt_began_ = ports_.clock.now();
  exchanges_.clear();

  std::vector<std::string> addresses;
  if (const std::string_view literal = without_brackets(host); IpAddress::parse(literal)) {
    addresses.emplace_back(literal);
  } else {
    addresses = co_await find_addresses(host);
  }
  for (std::string& address : addresses) {
    if (addresses_tried_ >= settings_->options.addresses_max) co_return Next::give_up;
    ++addresses_tried_;
    const Next next = co_await try_address(host, std::move(address));
    if (next != Next::try_next) co_return next;
    if (refusals_ >= refusals_max) co_return Next::give_up;
  }
  co_return is_cancelled() ? Next::give_up : Next::try_next;
}

runtime::Task<std::vector<std::string>> SessionOpener::find_addresses(std::string host) {
  begin_phase(Phase::resolve);
  watch_.deadline.disarm();  // the resolver keeps its own
  const HostLookup lookup(ports_, watch_.wakeup, std::move(host), source_->speaks_ipv6);
  while (!lookup.answer()) {
    if (is_cancelled()) {
      fail(Failure::cancelled);
      co_return std::vector<std::string>{};
    }
    co_await watch_.wakeup.wait();
  }
  end_phase();
  if (const auto* error = std::get_if<runtime::DnsError>(&*lookup.answer())) {
    fail(failure_of(error->failure), error->detail);
    co_return std::vector<std::string>{};
  }
  auto answer = std::get<runtime::AddressAnswer>(*lookup.answer());
  if (!source_->speaks_ipv4) answer.ipv4.clear();
  auto addresses = interleave(std::move(answer.ipv6), std::move(answer.ipv4));
  if (addresses.empty()) {
    fail(Failure::network_unreachable, "the source speaks no address family that the host has");
  }
  co_return addresses;
}

bool SessionOpener::is_target_allowed(const std::string& address) {
  if (settings_->options.allow_private_targets || order_.next_hop->is_smarthost) return true;
  const auto target = IpAddress::parse(address);
  const std::string_view why = target ? settings_->targets.refusal(*target) : "is no address";
  if (why.empty()) return true;
  fail(Failure::target_refused, address + ' ' + std::string(why));
  return false;
}

runtime::Task<SessionOpener::Next> SessionOpener::try_address(std::string host,
                                                              std::string address) {
  boost::system::error_code error;
  const Tcp::endpoint to(boost::asio::ip::make_address(address, error), order_.next_hop->port);
  attempt_ = {};
  attempt_.host = std::move(host);
  if (const auto target = IpAddress::parse(address)) {
    attempt_.address = to_string(Endpoint{*target, order_.next_hop->port});
  }
  attempt_began_ = ports_.clock.now();
  begin_phase(Phase::connect);
  if (!is_target_allowed(address)) co_return Next::try_next;
  if (error || !(to.address().is_v6() ? source_->speaks_ipv6 : source_->speaks_ipv4)) {
    fail(Failure::network_unreachable, "the source does not speak this address family");
    co_return Next::try_next;
  }
  const Next next = co_await attempt(to, true);
  if (next != Next::try_in_clear) co_return next;
  co_return co_await attempt(to, false);
}

runtime::Task<SessionOpener::Next> SessionOpener::attempt(Tcp::endpoint to, bool may_use_tls) {
  attempt_.failure = Failure::none;
  attempt_.reply = {};
  attempt_began_ = ports_.clock.now();
  exchanges_.clear();
  std::erase_if(opened_.timings, [](const auto& timing) { return timing.phase != Phase::resolve; });
  if (!co_await connect(to)) co_return is_cancelled() ? Next::give_up : Next::try_next;

  const StartTls start_tls = may_use_tls ? start_tls_of(settings_->options.tls) : StartTls::never;
  const Next next = co_await shake_hands(start_tls);
  if (next == Next::open) {
    opened_.host = attempt_.host;
    opened_.address = attempt_.address;
    watch_.deadline.disarm();
    co_return next;
  }
  connection_->close();
  connection_.reset();
  if (is_cancelled()) co_return Next::give_up;
  co_return next == Next::try_in_clear&& start_tls != StartTls::if_offered ? Next::try_next : next;
}

runtime::Task<bool> SessionOpener::connect(Tcp::endpoint to) {
  begin_phase(Phase::connect);
  if (is_cancelled()) {
    fail(Failure::cancelled);
    co_return false;
  }
  connection_ = std::make_shared<Connection>(ports_.executor, watch_.wakeup);
  watch_.on_interrupt = [connection = connection_] { connection->abort_connect(); };
  const auto error =
      co_await connection_->connect(to, to.address().is_v6() ? source_->ipv6 : source_->ipv4);
  watch_.on_interrupt = nullptr;
  end_phase();
  if (!error && watch_.interruption() == Failure::none) {
    connection_->start_reading();
    ports_.outcomes.on_session_connected({order_.session, attempt_.host});
    co_return true;
  }
  if (is_cancelled()) {
    fail(Failure::cancelled);
  } else if (watch_.interruption() == Failure::timeout) {
    fail(Failure::connect_timeout, "no answer");
  } else {
    fail(connection_->is_source_unusable() ? Failure::source_unusable : connect_failure_of(error),
         error.message());
  }
  connection_->close();
  connection_.reset();
  co_return false;
}

runtime::Task<SessionOpener::Next> SessionOpener::shake_hands(StartTls start_tls) {
  smtp::ClientHandshake handshake(source_->ehlo_name, start_tls);
  exchanges_.emplace_back();
  begin_phase(Phase::banner);
  while (true) {
    auto reply = co_await read_reply();
    if (!reply) co_return Next::try_next;
    end_phase();
    HandshakeStep step = handshake.feed(*reply);
    if (step == HandshakeStep::start_tls) {
      record(std::move(*reply));
      if (connection_->replies().has_unread_bytes()) {
        // CVE-2011-0411 the other way round: what was injected in clear must not count as said
        // under TLS.
        fail(Failure::protocol_error, "the server sent more behind its reply to STARTTLS");
        co_return Next::try_next;
      }
      if (!co_await establish_tls()) co_return Next::try_in_clear;
      step = handshake.on_tls();
    } else if (step == HandshakeStep::write_command) {
      record(std::move(*reply));
    }
    if (step != HandshakeStep::write_command) {
      if (step == HandshakeStep::ready) capabilities_ = handshake.capabilities();
      co_return next_after(step, *reply);
    }
    exchanges_.push_back({handshake.command(), {}});
    begin_phase(handshake.phase());
    if (!co_await write(handshake.command())) co_return Next::try_next;
  }
}

SessionOpener::Next SessionOpener::next_after(HandshakeStep step, const Reply& reply) {
  switch (step) {
    case HandshakeStep::ready:
      return Next::open;
    case HandshakeStep::refused:
      refuse(reply);
      return Next::try_next;
    case HandshakeStep::no_tls:
      record(reply);
      attempt_.phase = Phase::starttls;
      fail(Failure::tls_failed, "TLS is required, and the server does not offer it");
      return Next::try_next;
    case HandshakeStep::not_smtp:
    case HandshakeStep::write_command:
    case HandshakeStep::start_tls:
      break;
  }
  record(reply);
  fail(Failure::protocol_error, "the reply makes no sense here");
  return Next::try_next;
}

// True when the kernel has it all. A server that does not even take a command has ended the
// session.
runtime::Task<bool> SessionOpener::write(std::string bytes) {
  connection_->write(std::nullopt, bytes);
  while (connection_->flush() == Connection::Flush::blocked) {
    if (watch_.interruption() != Failure::none) {
      fail(watch_.interruption());
      co_return false;
    }
    co_await watch_.wakeup.wait();
  }
  co_return true;  // a failure shows when reading, together with what the server said before
}

runtime::Task<std::optional<Reply>> SessionOpener::read_reply() {
  while (true) {
    if (is_cancelled()) break;
    auto reply = connection_->replies().next();
    if (!reply) {
      fail(Failure::protocol_error, reply.error().context);
      co_return std::nullopt;
    }
    if (*reply) co_return std::move(**reply);
    if (connection_->is_read_over()) {
      const bool is_orderly = connection_->read_error() == boost::asio::error::eof;
      fail(is_orderly ? Failure::closed : Failure::reset, connection_->read_error().message());
      co_return std::nullopt;
    }
    if (watch_.interruption() != Failure::none) break;
    co_await watch_.wakeup.wait();
  }
  fail(watch_.interruption(), "no reply");
  co_return std::nullopt;
}

runtime::Task<bool> SessionOpener::establish_tls() {
  begin_phase(Phase::tls_handshake);
  auto stream =
      ports_.tls.open(attempt_.host, attempt_.host + ':' + std::to_string(order_.next_hop->port));
  if (!stream) {
    fail(Failure::tls_failed, "no memory for TLS");
    co_return false;
  }
  connection_->start_tls(std::move(stream));
  while (true) {
    const TlsStream::Progress progress = connection_->handshake();
    const Connection::Flush flush = connection_->flush();
    if (progress == TlsStream::Progress::failed) {
      fail(Failure::tls_failed, connection_->tls()->error());
      co_return false;
    }
    if (progress == TlsStream::Progress::done && flush != Connection::Flush::blocked) break;
    if (connection_->is_read_over()) {
      fail(Failure::tls_failed, "the server closed the connection");
      co_return false;
    }
    if (watch_.interruption() != Failure::none) {
      fail(is_cancelled() ? Failure::cancelled : Failure::tls_failed,
           "the TLS handshake did not end");
      co_return false;
    }
    co_await watch_.wakeup.wait();
  }
  end_phase();
  opened_.tls = connection_->tls()->description();
  co_return true;
}

std::chrono::seconds SessionOpener::time_for(Phase phase) const {
  const PhaseTimeouts& timeouts = settings_->options.timeouts;
  switch (phase) {
    case Phase::connect:
      return timeouts.connect;
    case Phase::banner:
      return timeouts.banner;
    case Phase::starttls:
    case Phase::tls_handshake:
      return timeouts.starttls;
    default:
      return timeouts.ehlo;
  }
}

void SessionOpener::begin_phase(Phase phase) {
  attempt_.phase = phase;
  phase_began_ = ports_.clock.now();
  watch_.begin(time_for(phase));
}

void SessionOpener::end_phase() {
  opened_.timings.push_back({attempt_.phase, ports_.clock.now() - phase_began_});
}

void SessionOpener::record(Reply reply) {
  exchanges_.back().reply = std::move(reply);
}

void SessionOpener::refuse(Reply reply) {
  ++refusals_;
  attempt_.reply = reply;
  record(std::move(reply));
  fail(Failure::none);
}

// Files the attempt under the failed ones.
void SessionOpener::fail(Failure failure, std::string_view note) {
  attempt_.failure = failure;
  attempt_.elapsed = ports_.clock.now() - attempt_began_;
  attempt_.transcript = transcript(note);
  opened_.failed_before.push_back(attempt_);
  opened_.tls.clear();
}

std::string SessionOpener::transcript(std::string_view note) const {
  smtp::ClientTranscript transcript(settings_->options.transcript_max);
  for (const Exchange& exchange : exchanges_) {
    if (!exchange.command.empty()) transcript.sent(exchange.command);
    if (exchange.reply.code != 0) transcript.received(exchange.reply);
  }
  if (!note.empty()) transcript.note(note);
  return transcript.take();
}

}  // namespace mailweir::delivery
