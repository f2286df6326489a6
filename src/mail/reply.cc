#include "mail/reply.h"

#include <fmt/format.h>

#include <array>

#include "mail/utf8.h"

namespace mailweir {
namespace {

constexpr std::array<std::string_view, 13> phase_names = {
    "resolve", "connect", "banner", "ehlo",        "starttls", "tls_handshake", "auth",
    "mail",    "rcpt",    "data",   "end_of_data", "idle",     "quit"};
static_assert(phase_names.size() == static_cast<std::size_t>(Phase::quit) + 1);

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes one to three digits off the front (RFC 3463 section 2).
std::optional<std::uint16_t> take_number(std::string_view& text) {
  unsigned value = 0;
  std::size_t length = 0;
  while (length < 3 && length < text.size() && is_digit(text[length])) {
    value = value * 10 + static_cast<unsigned>(text[length] - '0');
    ++length;
  }
  if (length == 0) return std::nullopt;
  text.remove_prefix(length);
  return static_cast<std::uint16_t>(value);
}

bool take_dot(std::string_view& text) {
  if (!text.starts_with('.')) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

bool says_too_many_recipients(const Reply& reply) {
  if (reply.code != 452 && reply.code != 552) return false;
  return !reply.enhanced || (reply.enhanced->subject == 5 && reply.enhanced->detail == 3);
}

std::string to_string(EnhancedStatus status) {
  return fmt::format("{}.{}.{}", status.klass, status.subject, status.detail);
}

std::optional<EnhancedStatus> parse_enhanced_status(std::string_view text) {
  if (text.empty() || (text[0] != '2' && text[0] != '4' && text[0] != '5')) return std::nullopt;
  EnhancedStatus status;
  status.klass = static_cast<std::uint8_t>(text[0] - '0');
  text.remove_prefix(1);
  if (!take_dot(text)) return std::nullopt;
  const auto subject = take_number(text);
  if (!subject || !take_dot(text)) return std::nullopt;
  const auto detail = take_number(text);
  if (!detail) return std::nullopt;
  if (!text.empty() && text[0] != ' ' && text[0] != '\t' && text[0] != '\n') return std::nullopt;
  status.subject = *subject;
  status.detail = *detail;
  return status;
}

std::string to_display(const Reply& reply) {
  if (reply.code == 0 && reply.text.empty()) return "no reply";
  std::string out;
  out.reserve(reply.text.size() + 8);
  if (reply.code != 0) fmt::format_to(std::back_inserter(out), "{}", reply.code);
  std::string_view rest = reply.text;
  bool first = true;
  while (first || !rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    if (!first) {
      out.append(" / ");
    } else if (reply.code != 0 && !line.empty()) {
      out.push_back(' ');
    }
    append_escaped(out, line);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    first = false;
  }
  return out;
}

std::string_view to_string(Phase phase) {
  return phase_names[static_cast<std::size_t>(phase)];
}

std::optional<Phase> parse_phase(std::string_view text) {
  for (std::size_t i = 0; i < phase_names.size(); ++i) {
    if (phase_names[i] == text) return static_cast<Phase>(i);
  }
  return std::nullopt;
}

}  // namespace mailweir
