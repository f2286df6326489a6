// How long a client may take. Deadlines are per request, not per read: a client that sends one
// octet now and then does not move them (RFC 5321 section 4.5.3.2.7 gives it five minutes between
// commands).
#pragma once

#include <cstdint>

#include "base/time.h"

namespace mailweir::intake {

struct SessionTimes {
  Duration command_max{
      std::chrono::minutes(5)};  // for a whole command line, and for taking our replies
  Duration content_grace{
      std::chrono::minutes(1)};          // from then on content must come at content_rate_min
  std::uint64_t content_rate_min = 500;  // octets a second; 0 is not allowed
  Duration handshake_max{std::chrono::seconds(10)};
  Duration session_max{std::chrono::hours(1)};
  Duration error_delay{
      std::chrono::seconds(1)};  // before the replies of a client that makes too many mistakes
};

// When content that began at `began`, `octets` of which are here, is given up: at the latest
// command_max from now.
Instant content_deadline(const SessionTimes& times, Instant began, std::uint64_t octets,
                         Instant now);

}  // namespace mailweir::intake
