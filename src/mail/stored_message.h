// What is kept of a queued message besides its content: envelope, classification and times.
// Immutable once accepted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"
#include "mail/envelope.h"

namespace mailweir {

struct StoredMessage {
  MessageId id;
  Envelope envelope;
  UnixTime received_at{};
  UnixTime not_before{};  // first attempt not earlier; zero: at once
  UnixTime expires_at{};  // after this the undelivered recipients expire, with a DSN
  UnixTime deadline{};    // wanted delivered by; orders within a class. Zero: none
  std::string message_class;
  std::string tenant;
  std::string campaign;  // one of the tenant's; empty: none
  std::string pool;      // egress pool; empty: the class's own
  std::string client;    // "192.0.2.7 [host.example]": who handed it in, for traces
  std::uint32_t body_size = 0;
  std::uint32_t body_crc32c = 0;

  friend bool operator==(const StoredMessage&, const StoredMessage&) = default;
};

// The end, or present state, of one recipient. Closed set: it drives queue, DSN and events.
enum class Disposition : std::uint8_t {
  queued,
  deferred,
  held,
  delivered,
  bounced,
  expired,
  suppressed,
  deleted
};
std::string_view to_string(Disposition disposition);
constexpr bool is_final(Disposition d) {
  return d >= Disposition::delivered;
}

// What the spool keeps of a recipient once its first attempt did not settle it.
struct RecipientState {
  Disposition disposition = Disposition::queued;
  std::uint16_t attempts = 0;    // counted attempts: a wait of our choosing adds none
  UnixTime due{};                // next attempt, wall clock; clamped on load
  std::uint16_t reply_code = 0;  // of the last attempt; 0: no reply
  std::string reply_text;        // at most 200 bytes, verbatim

  friend bool operator==(const RecipientState&, const RecipientState&) = default;
};

}  // namespace mailweir
