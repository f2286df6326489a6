// A DelayHistogram keeps delays in fixed memory: 64 buckets an octave, so that a percentile is at
// most 1.6 % above the true one. Minimum, maximum and mean are exact. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"
#include "simulate/result.h"

namespace mailweir::simulate {

class DelayHistogram {
 public:
  void add(Duration delay);
  // The least delay that `share` (0 … 1) of all do not exceed; zero when empty.
  Duration percentile(double share) const;
  Delays summary() const;

 private:
  static constexpr unsigned bits = 6;
  static constexpr std::size_t buckets = std::size_t{44} << bits;  // beyond 2^48 µs, 8 years

  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;  // µs
  std::uint64_t max_ = 0;
};

}  // namespace mailweir::simulate
