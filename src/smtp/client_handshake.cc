#include "smtp/client_handshake.h"

#include <utility>

#include "base/assert.h"

namespace mailweir::smtp {
namespace {

constexpr std::uint16_t service_not_available = 421;

}  // namespace

ClientHandshake::ClientHandshake(std::string ehlo_name, StartTls start_tls)
    : ehlo_name_(std::move(ehlo_name)), start_tls_(start_tls) {}

Phase ClientHandshake::phase() const {
  return phase_;
}

HandshakeStep ClientHandshake::greet(State state, std::string_view verb) {
  state_ = state;
  phase_ = Phase::ehlo;
  command_.assign(verb).append(" ").append(ehlo_name_).append("\r\n");
  return HandshakeStep::write_command;
}

HandshakeStep ClientHandshake::feed(const Reply& reply) {
  const State state = std::exchange(state_, State::ended);
  if (reply.is_intermediate()) return HandshakeStep::not_smtp;
  switch (state) {
    case State::banner:
      return reply.is_positive() ? greet(State::ehlo, "EHLO") : HandshakeStep::refused;
    case State::ehlo:
      // Whoever does not know EHLO may know HELO (RFC 5321 section 3.2), but never STARTTLS.
      if (reply.is_permanent() && start_tls_ != StartTls::required) {
        return greet(State::helo, "HELO");
      }
      return on_ehlo(reply);
    case State::helo:
      capabilities_ = {};
      return reply.is_positive() ? HandshakeStep::ready : HandshakeStep::refused;
    case State::starttls:
      return on_starttls(reply);
    case State::ehlo_in_tls:
      if (!reply.is_positive()) return HandshakeStep::refused;
      capabilities_ = parse_capabilities(reply);
      return HandshakeStep::ready;
    case State::tls:
    case State::ended:
      break;
  }
  return HandshakeStep::not_smtp;
}

HandshakeStep ClientHandshake::on_ehlo(const Reply& reply) {
  if (!reply.is_positive()) return HandshakeStep::refused;
  capabilities_ = parse_capabilities(reply);
  if (start_tls_ == StartTls::never) return HandshakeStep::ready;
  if (!capabilities_.starttls) {
    return start_tls_ == StartTls::required ? HandshakeStep::no_tls : HandshakeStep::ready;
  }
  state_ = State::starttls;
  phase_ = Phase::starttls;
  command_ = "STARTTLS\r\n";
  return HandshakeStep::write_command;
}

HandshakeStep ClientHandshake::on_starttls(const Reply& reply) {
  if (reply.is_positive()) {
    state_ = State::tls;
    phase_ = Phase::tls_handshake;
    return HandshakeStep::start_tls;
  }
  if (reply.code == service_not_available) return HandshakeStep::refused;
  return start_tls_ == StartTls::required ? HandshakeStep::no_tls : HandshakeStep::ready;
}

HandshakeStep ClientHandshake::on_tls() {
  WEIR_ASSERT(state_ == State::tls);
  capabilities_ = {};
  return greet(State::ehlo_in_tls, "EHLO");
}

}  // namespace mailweir::smtp
