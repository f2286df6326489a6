#include "pacing/token_bucket.h"

#include <algorithm>

#include "base/assert.h"

namespace mailweir::pacing {

TokenBucket::TokenBucket(Rate rate) : rate_(rate) {
  WEIR_ASSERT(rate.period.count() > 0);
  level_ = capacity();
}

std::uint64_t TokenBucket::cost() const {
  return static_cast<std::uint64_t>(rate_.period.count());
}

std::uint64_t TokenBucket::burst() const {
  constexpr std::uint64_t second = 1'000'000;
  if (rate_.events == 0) return 0;
  if (cost() <= second) return rate_.events;  // a period below a second: its own number
  return std::max<std::uint64_t>(1, rate_.events / (cost() / second));
}

std::uint64_t TokenBucket::level_at(Instant now) const {
  if (rate_.events == 0 || now <= updated_) return level_;
  const auto elapsed = static_cast<std::uint64_t>((now - updated_).count());
  const std::uint64_t room = capacity() - level_;
  // Compared by division first: a long idle time must not overflow.
  if (elapsed > room / rate_.events) return capacity();
  return level_ + elapsed * rate_.events;
}

bool TokenBucket::take(Instant now) {
  level_ = level_at(now);
  updated_ = std::max(updated_, now);
  if (rate_.events == 0 || level_ < cost()) return false;
  level_ -= cost();
  return true;
}

Instant TokenBucket::next(Instant now) const {
  if (rate_.events == 0) return never;
  const std::uint64_t level = level_at(now);
  if (level >= cost()) return now;
  const std::uint64_t missing = cost() - level;
  return std::max(updated_, now) +
         Duration(static_cast<std::int64_t>((missing + rate_.events - 1) / rate_.events));
}

void TokenBucket::set_rate(Rate rate, Instant now) {
  WEIR_ASSERT(rate.period.count() > 0);
  if (rate == rate_) return;
  // Nothing saved up is lost, not even a part of an event: rates may be set again and again.
  const double events = static_cast<double>(level_at(now)) / static_cast<double>(cost());
  rate_ = rate;
  level_ = std::min(static_cast<std::uint64_t>(events * static_cast<double>(cost())), capacity());
  updated_ = std::max(updated_, now);
}

}  // namespace mailweir::pacing
