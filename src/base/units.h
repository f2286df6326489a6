// Quantities as an operator writes them: "5m", "50MiB", "20/min". A number without its unit is
// refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace mailweir {

struct ByteCount {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const ByteCount&, const ByteCount&) = default;
};

// `events` per `period`, e.g. 20 per minute. Zero events means: none allowed.
struct Rate {
  std::uint64_t events = 0;
  Duration period{std::chrono::seconds(1)};
  friend constexpr bool operator==(const Rate&, const Rate&) = default;
};

// "250ms", "30s", "5m", "4h", "5d", and sums as "1h30m".
Result<Duration> parse_duration(std::string_view text);
// "512B", "64KiB", "50MiB", "2GiB"; also kB, MB, GB (powers of 1000).
Result<ByteCount> parse_byte_count(std::string_view text);
// "20/s", "20/min", "1000/h", "50000/day".
Result<Rate> parse_rate(std::string_view text);

// The shortest text that parses to the same value.
std::string to_string(Duration duration);
std::string to_string(ByteCount bytes);
std::string to_string(Rate rate);

}  // namespace mailweir
