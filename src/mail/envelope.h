// The envelope of a mail object (RFC 5321 section 2.3.1): where failures go, and whom it is for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mail/mailbox.h"

namespace mailweir {

// MAIL FROM: a mailbox, or the null reverse-path `<>` (empty mailbox), to which nothing is ever
// bounced.
struct ReversePath {
  Mailbox mailbox;

  bool is_null() const { return mailbox.empty(); }
  const std::string& text() const { return mailbox.text(); }
  friend bool operator==(const ReversePath&, const ReversePath&) = default;
};

// NOTIFY= of RFC 3461 section 4.1, as a bit set; `unspecified` means the default of the standard
// (failure, and delay if we like).
enum class DsnNotify : std::uint8_t {
  unspecified = 0,
  never = 1,
  success = 2,
  failure = 4,
  delay = 8
};
constexpr DsnNotify operator|(DsnNotify a, DsnNotify b) {
  return static_cast<DsnNotify>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
constexpr bool has(DsnNotify set, DsnNotify flag) {
  return (static_cast<std::uint8_t>(set) & static_cast<std::uint8_t>(flag)) != 0;
}

// RET= of RFC 3461 section 4.3.
enum class DsnReturn : std::uint8_t { unspecified, full, headers };

// BODY= of RFC 6152.
enum class BodyType : std::uint8_t { seven_bit, eight_bit_mime };

// One forward-path with its DSN parameters: the unit of scheduling and of disposition.
struct Recipient {
  Mailbox mailbox;
  DsnNotify notify = DsnNotify::unspecified;
  std::string original_recipient;  // ORCPT= as received ("rfc822;user@example.com", still
                                   // xtext-encoded), or empty

  friend bool operator==(const Recipient&, const Recipient&) = default;
};

struct Envelope {
  ReversePath reverse_path;
  std::vector<Recipient> recipients;  // in the order received; a recipient's index never changes
  BodyType body = BodyType::seven_bit;
  bool smtputf8 = false;
  DsnReturn dsn_return = DsnReturn::unspecified;
  std::string envelope_id;  // ENVID= as received (xtext), or empty

  friend bool operator==(const Envelope&, const Envelope&) = default;
};

}  // namespace mailweir
