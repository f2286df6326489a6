#include "mail/received.h"

#include <array>

#include "mail/utf8.h"

namespace mailweir {
namespace {

constexpr std::size_t word_max = 255;
constexpr std::size_t path_max = 256;  // RFC 5321 section 4.5.3.1.3

enum class Allowed : std::uint8_t { ascii, utf8 };

bool is_word_char(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
}

// Host names and address literals go through, all else becomes '?': a HELO is whatever the client
// sent.
void append_word(std::string& out, std::string_view text, Allowed allowed) {
  text = text.substr(0, word_max);
  while (!text.empty()) {
    const Utf8Character character = first_character(text);
    const std::size_t length = character.length == 0 ? 1 : character.length;
    const bool wide = length > 1 && allowed == Allowed::utf8 && !is_control(character.code_point);
    if (wide || is_word_char(character.code_point)) {
      out.append(text.substr(0, length));
    } else {
      out.push_back('?');
    }
    text.remove_prefix(length);
  }
}

// Text of ours inside a comment: what could close or escape it becomes '?'.
void append_comment(std::string& out, std::string_view text) {
  for (const char c : text.substr(0, word_max)) {
    const bool fits = c >= ' ' && c < '\x7F' && c != '(' && c != ')' && c != '\\';
    out.push_back(fits ? c : '?');
  }
}

bool fits_in_path(std::string_view mailbox, Allowed allowed) {
  if (mailbox.empty() || mailbox.size() > path_max) return false;
  while (!mailbox.empty()) {
    const Utf8Character character = first_character(mailbox);
    if (character.length == 0 || is_control(character.code_point)) return false;
    if (character.length > 1 && allowed == Allowed::ascii) return false;
    mailbox.remove_prefix(character.length);
  }
  return true;
}

// "(name [192.0.2.7])", the TCP-info of the standard.
void append_tcp_info(std::string& out, const ReceivedTrace& trace) {
  if (trace.client_address.empty()) return;
  out.append(" (");
  if (!trace.client_name.empty()) {
    append_word(out, trace.client_name, Allowed::ascii);
    out.push_back(' ');
  }
  const bool six = trace.client_address.find(':') != std::string_view::npos;
  out.append(six ? "[IPv6:" : "[");
  append_word(out, trace.client_address, Allowed::ascii);
  out.append("])");
}

}  // namespace

std::string compose_received(const ReceivedTrace& trace) {
  const Allowed allowed = trace.smtputf8 ? Allowed::utf8 : Allowed::ascii;
  std::string out;
  out.reserve(256);
  out.append("Received: from ");
  append_word(out, trace.helo.empty() ? "unknown" : trace.helo, allowed);
  append_tcp_info(out, trace);
  out.append("\r\n\tby ");
  append_word(out, trace.by, Allowed::ascii);
  out.append(" with ");
  append_word(out, trace.protocol, Allowed::ascii);
  if (!trace.tls.empty()) {
    out.append("\r\n\t(");
    append_comment(out, trace.tls);
    out.push_back(')');
  }
  if (!trace.id.empty()) {
    out.append("\r\n\tid ");
    append_word(out, trace.id, Allowed::ascii);
  }
  if (fits_in_path(trace.recipient, allowed)) {
    out.append("\r\n\tfor <").append(trace.recipient).push_back('>');
  }
  out.append(";\r\n\t").append(to_rfc5322_date(trace.at)).append("\r\n");
  return out;
}

std::string_view received_protocol(TransmissionFeatures features) {
  if (!features.extended) return "SMTP";
  static constexpr std::array<std::string_view, 8> keywords = {
      "ESMTP", "ESMTPA", "ESMTPS", "ESMTPSA", "UTF8SMTP", "UTF8SMTPA", "UTF8SMTPS", "UTF8SMTPSA"};
  return keywords[(features.smtputf8 ? 4U : 0U) + (features.tls ? 2U : 0U) +
                  (features.authenticated ? 1U : 0U)];
}

}  // namespace mailweir
