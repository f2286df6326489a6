// Small parts that several policies share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/time.h"
#include "base/units.h"

namespace mailweir::senders {

inline double per_second(Rate rate) {
  return static_cast<double>(rate.events) / std::chrono::duration<double>(rate.period).count();
}
inline Duration seconds(double count) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(count));
}

// Starts at least 1/rate apart; what was left unused of the last second may be caught up on.
class Pace {
 public:
  Instant next() const { return next_; }
  void take(double rate, Instant now) {
    next_ = std::max(next_, now - std::chrono::seconds(1)) + seconds(1 / rate);
  }
  // The slower rate counts from now on.
  void restart(double rate, Instant now) { next_ = now + seconds(1 / rate); }

 private:
  Instant next_{};
};

// A message's own retries: `first`, then each `factor` times the last, `longest` at most.
struct Retries {
  Duration first{};
  double factor = 2;
  Duration longest{};

  Duration after(std::uint32_t attempts) const {
    const double steps = std::min<double>(attempts > 0 ? attempts - 1 : 0, 40);
    const double wanted = static_cast<double>(first.count()) * std::pow(factor, steps);
    return Duration(static_cast<std::int64_t>(
        std::min(wanted, static_cast<double>(std::max(first, longest).count()))));
  }
};

}  // namespace mailweir::senders
