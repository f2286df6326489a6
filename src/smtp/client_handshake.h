// A ClientHandshake leads a new connection from the server's banner to the point where mail can be
// sent: EHLO (HELO for the old), STARTTLS, EHLO again.
//
// Pure: the driver writes what command() says, feeds replies and carries out TLS. The order of
// steps:
//
//   banner ─▶ EHLO ─▶ [STARTTLS ─▶ start_tls ─▶ on_tls() ─▶ EHLO] ─▶ ready
//               └─▶ HELO ─▶ ready
//
// A refused STARTTLS leaves an opportunistic session in clear and ends one that requires TLS (RFC
// 3207 section 4.1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mail/reply.h"
#include "smtp/client_capabilities.h"

namespace mailweir::smtp {

enum class HandshakeStep : std::uint8_t {
  write_command,  // write command(), then wait for its reply
  start_tls,  // do the TLS handshake, then call on_tls(). Bytes already read behind the reply are
              // an attack: abort
  ready,      // capabilities() hold
  refused,    // by the reply fed last, at phase()
  no_tls,     // TLS is required, and the server does not offer it or refuses it
  not_smtp,   // the reply makes no sense here
};

enum class StartTls : std::uint8_t { never, if_offered, required };

class ClientHandshake {
 public:
  ClientHandshake(std::string ehlo_name, StartTls start_tls);

  // The banner first, then a reply to every command.
  HandshakeStep feed(const Reply& reply);
  // Encryption is up: everything heard before is forgotten (RFC 3207 section 4.2).
  HandshakeStep on_tls();

  // With CRLF; what write_command asks for.
  const std::string& command() const { return command_; }
  // What the next reply belongs to, or the last one did once the handshake has ended.
  Phase phase() const;
  const PeerCapabilities& capabilities() const { return capabilities_; }

 private:
  enum class State : std::uint8_t { banner, ehlo, helo, starttls, tls, ehlo_in_tls, ended };

  HandshakeStep greet(State state, std::string_view verb);
  HandshakeStep on_ehlo(const Reply& reply);
  HandshakeStep on_starttls(const Reply& reply);

  std::string ehlo_name_;
  StartTls start_tls_;
  State state_ = State::banner;
  Phase phase_ = Phase::banner;
  PeerCapabilities capabilities_;
  std::string command_;
};

}  // namespace mailweir::smtp
