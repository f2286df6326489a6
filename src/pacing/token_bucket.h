// A TokenBucket lets `rate.events` pass per `rate.period`, at most one second's worth (or one
// event) at once.
//
// In any window of length w no more than w × rate + burst() events pass. Exact: levels are integers
// in units of one event spread over the period, so nothing drifts over days. Not thread-safe.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "base/units.h"

namespace mailweir::pacing {

class TokenBucket {
 public:
  explicit TokenBucket(Rate rate);  // full: a path that was idle may begin with a burst

  bool take(Instant now);
  // When the next event may pass: `now` or earlier if at once, `never` if the rate is zero.
  Instant next(Instant now) const;
  std::uint64_t burst() const;  // events
  bool is_full(Instant now) const { return level_at(now) == capacity(); }
  Rate rate() const { return rate_; }
  // The level is kept as far as the new burst allows, so that a reload gives no free burst.
  void set_rate(Rate rate, Instant now);

 private:
  std::uint64_t level_at(Instant now) const;
  std::uint64_t cost() const;
  std::uint64_t capacity() const { return burst() * cost(); }

  Rate rate_;
  std::uint64_t level_ = 0;  // in 1/period of an event
  Instant updated_{};
};

}  // namespace mailweir::pacing
