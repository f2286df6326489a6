// Points in time as values. Nothing here reads a clock: time reaches the pure parts as an argument
// (runtime/clock.h is the port).
//
// Instant counts on the monotonic clock and drives every deadline and schedule. UnixTime is the
// wall clock, for people and for what is stored; a stored time is turned into an Instant once, on
// load, and clamped there, so that a jump of the wall clock neither releases a storm nor loses a
// retry.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailweir {

using Duration = std::chrono::microseconds;

struct MonotonicTimeline {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicTimeline>;
  static constexpr bool is_steady = true;
};

using Instant = std::chrono::time_point<MonotonicTimeline, Duration>;
using UnixTime = std::chrono::sys_time<Duration>;

inline constexpr Instant never = Instant::max();

// "2026-11-22T08:41:13.123Z", UTC, milliseconds (RFC 3339).
std::string to_rfc3339(UnixTime time);
// Reads what to_rfc3339() writes, and any other offset ("…T17:41:13+09:00"); at most microseconds
// are kept. Empty for anything else.
std::optional<UnixTime> parse_rfc3339(std::string_view text);
// "Sun, 22 Nov 2026 08:41:13 +0000" (RFC 5322 section 3.3), UTC.
std::string to_rfc5322_date(UnixTime time);

}  // namespace mailweir
