#include "simulate/delay_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace mailweir::simulate {
namespace {

constexpr unsigned bits = 6;
constexpr std::uint64_t linear = 1ULL << (bits + 1);  // below this each µs has its own bucket

std::size_t bucket_of(std::uint64_t us) {
  if (us < linear) return static_cast<std::size_t>(us);
  const unsigned shift = static_cast<unsigned>(std::bit_width(us)) - bits - 1;
  return (std::size_t{shift} << bits) + static_cast<std::size_t>(us >> shift);
}

// The greatest value of a bucket.
std::uint64_t top_of(std::size_t bucket) {
  if (bucket < linear) return bucket;
  const std::size_t shift = (bucket >> bits) - 1;
  const std::size_t mantissa = bucket - (shift << bits);
  return ((mantissa + 1) << shift) - 1;
}

Duration micros(std::uint64_t us) {
  return Duration(static_cast<std::int64_t>(us));
}

}  // namespace

void DelayHistogram::add(Duration delay) {
  const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(0, delay.count()));
  ++counts_[std::min(bucket_of(us), buckets - 1)];
  ++count_;
  sum_ += us;
  max_ = std::max(max_, us);
}

Duration DelayHistogram::percentile(double share) const {
  if (count_ == 0) return {};
  const auto wanted = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    seen += counts_[bucket];
    if (seen >= wanted) return micros(std::min(top_of(bucket), max_));
  }
  return micros(max_);
}

Delays DelayHistogram::summary() const {
  if (count_ == 0) return {};
  return {.count = count_,
          .mean = micros(sum_ / count_),
          .p50 = percentile(0.5),
          .p99 = percentile(0.99),
          .max = micros(max_)};
}

}  // namespace mailweir::simulate
