// Time as one path keeps it: since the path was made (its origin), so that an image of it holds no
// absolute time and ages by moving the origin.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace mailweir::pacing {

// To the microsecond: what is compared with the start of an attempt or decides when one starts.
using PathTime = Duration;
// To the second, for all the rest: 136 years in four bytes.
using PathSecond = std::chrono::duration<std::int32_t>;

inline constexpr PathSecond long_ago{-1'000'000'000};

// A sum of seconds that stops at 18 hours: enough to compare with minutes or hours.
class SecondsSum {
 public:
  void add(PathSecond time) {
    const std::int32_t sum = seconds_ + std::max(time.count(), 0);
    seconds_ = static_cast<std::uint16_t>(std::min(sum, seconds_most));
  }
  void clear() { seconds_ = 0; }
  double seconds() const { return seconds_; }
  static constexpr double most() { return seconds_most; }

  template <class Archive>
  void archive(Archive& a) {
    if (a.version >= 4) {
      a(seconds_);
    } else {
      float seconds = 0;
      a(seconds);
      if (seconds > 0)  // and a number
        seconds_ = static_cast<std::uint16_t>(std::min(seconds, static_cast<float>(seconds_most)));
    }
  }

 private:
  static constexpr std::int32_t seconds_most = 0xFFFF;
  std::uint16_t seconds_ = 0;
};

inline PathSecond whole_seconds(PathTime time) {
  return std::chrono::floor<PathSecond>(time);
}

inline double in_seconds(Duration duration) {
  return static_cast<double>(duration.count()) * 1e-6;
}

// Rounded up, so that whoever waits for it does not come a microsecond early. A century at most,
// forwards or backwards.
inline Duration from_seconds(double seconds) {
  constexpr double century = 100.0 * 365.0 * 86'400.0;
  const double bounded = seconds < century ? std::max(seconds, -century) : century;
  return Duration(static_cast<std::int64_t>(bounded * 1e6) + 1);
}

// Cut to the second; three decades at most, forwards or backwards.
inline PathSecond of_seconds(double seconds) {
  return PathSecond(static_cast<std::int32_t>(seconds < 1e9 ? std::max(seconds, -1e9) : 1e9));
}

}  // namespace mailweir::pacing
