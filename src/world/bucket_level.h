// The level of a token bucket in exact integers, for rates that may change with time.
//
// Counted in 10^-12 messages; rounding only ever takes, so no window of length w passes more than
// w × rate + burst. At most 9 million messages deep.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/random.h"
#include "base/time.h"
#include "base/units.h"

namespace mailweir::world {

struct BucketLevel {
  static constexpr std::uint64_t one = 1'000'000'000'000;  // message
  static constexpr std::uint64_t burst_max = 9'000'000;

  std::uint64_t level = 0;
  Instant updated{};

  void refill(Rate rate, std::uint64_t burst, Instant now) {
    if (now <= updated) return;
    const auto elapsed = static_cast<std::uint64_t>((now - updated).count());
    const Wide gained = static_cast<Wide>(elapsed) * rate.events * one /
                        static_cast<std::uint64_t>(rate.period.count());
    const Wide sum = level + gained;
    level = static_cast<std::uint64_t>(std::min<Wide>(sum, static_cast<Wide>(burst) * one));
    updated = now;
  }
};

inline double per_second(Rate rate) {
  return static_cast<double>(rate.events) * 1e6 / static_cast<double>(rate.period.count());
}

}  // namespace mailweir::world
