// An SMTP reply as a value (RFC 5321 section 4.2, RFC 3463). A 550 is an answer, not an error of
// ours.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailweir {

// class.subject.detail, e.g. 4.7.500.
struct EnhancedStatus {
  std::uint8_t klass = 0;
  std::uint16_t subject = 0;
  std::uint16_t detail = 0;
  friend constexpr auto operator<=>(const EnhancedStatus&, const EnhancedStatus&) = default;
};

std::string to_string(EnhancedStatus status);
// Reads a leading "4.7.500" that is followed by a space or the end; empty otherwise.
std::optional<EnhancedStatus> parse_enhanced_status(std::string_view text);

struct Reply {
  std::uint16_t code = 0;  // 200..599; 0: there was no reply (see `Phase` and the attempt's error)
  std::optional<EnhancedStatus> enhanced;
  std::string text;  // the lines without code, joined by '\n', the enhanced status of the first
                     // line still in place

  bool is_positive() const { return code >= 200 && code < 300; }
  bool is_intermediate() const { return code >= 300 && code < 400; }
  bool is_transient() const { return code >= 400 && code < 500; }
  bool is_permanent() const { return code >= 500 && code < 600; }
  friend bool operator==(const Reply&, const Reply&) = default;
};

// Whether a reply to RCPT means that the transaction has recipients enough: a 452, or a 552, which
// is to be treated as one (RFC 5321 section 4.5.3.1.10), unless its enhanced status says otherwise.
bool says_too_many_recipients(const Reply& reply);

// "451 4.7.500 Server busy…", lines joined with " / ", control characters escaped: for logs and
// people.
std::string to_display(const Reply& reply);

// The step of an SMTP session at which something happened; also the key of phase time-outs (RFC
// 5321 section 4.5.3.2).
enum class Phase : std::uint8_t {
  resolve,
  connect,
  banner,
  ehlo,
  starttls,
  tls_handshake,
  auth,
  mail,
  rcpt,
  data,
  end_of_data,
  idle,
  quit
};
std::string_view to_string(Phase phase);
std::optional<Phase> parse_phase(std::string_view text);

}  // namespace mailweir
