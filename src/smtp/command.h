// Parses one SMTP command line into a value (RFC 5321 section 4.1.1 and the extensions we offer).
//
// Pure. Strict where leniency has been used against servers: paths stand in angle brackets, no
// source routes, no control characters, every parameter known and given once. Lenient in one
// harmless thing: spaces after "FROM:" and "TO:".
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>

#include "mail/envelope.h"
#include "mail/reply.h"

namespace mailweir::smtp {

// Octets of a command line with its CRLF: RFC 5321 section 4.5.3.1.4, and what SIZE (RFC 1870),
// BODY (RFC 6152), SMTPUTF8 (RFC 6531), DSN (RFC 3461 section 5) and AUTH= (RFC 4954 section 5) add
// to MAIL and RCPT.
inline constexpr std::size_t command_line_max = 512;
inline constexpr std::size_t mail_line_max = 512 + 26 + 17 + 10 + 107 + 500;
inline constexpr std::size_t rcpt_line_max = 512 + 10 + 528;

enum class Verb : std::uint8_t {
  helo,
  ehlo,
  mail,
  rcpt,
  data,
  rset,
  noop,
  help,
  vrfy,
  expn,
  quit,
  starttls,
  foreign,  // another protocol's request line (HTTP): somebody uses a browser or a proxy against us
  unknown,
};

struct HelloCommand {
  bool is_extended = false;  // EHLO
  std::string client_name;   // a domain or an address literal, as given
};

struct MailCommand {
  ReversePath reverse_path;
  std::uint64_t declared_size = 0;  // SIZE=; 0: not given
  BodyType body = BodyType::seven_bit;
  bool smtputf8 = false;
  DsnReturn dsn_return = DsnReturn::unspecified;
  std::string envelope_id;
};

struct RcptCommand {
  Recipient recipient;
};

struct PlainCommand {
  Verb verb = Verb::unknown;
};

using Command = std::variant<PlainCommand, HelloCommand, MailCommand, RcptCommand>;

// Parses `line` (without its CRLF, at most mail_line_max). The error is the reply to give.
// `charset` says what the transaction under way allows in a recipient's address; MAIL decides by
// its own SMTPUTF8 parameter.
std::expected<Command, Reply> parse_command(std::string_view line, AddressCharset charset);

// A Reply from "452 4.3.1 Text": the form in which replies are written down in this folder.
Reply reply_of(std::string_view line);

}  // namespace mailweir::smtp
