#include "pacing/concurrency_limit.h"

#include <algorithm>

namespace mailweir::pacing {
namespace {

constexpr PathSecond retry_first{600};
constexpr std::uint8_t repeats_max = 5;
// Attempts that hang until a time-out hold their places for minutes; they must not stop the path,
// whose pace spaces the others anyway.
constexpr double hanging = 20;
constexpr double hanging_seconds = 5;  // … more of them where more is sent

}  // namespace

std::uint32_t ConcurrencyLimit::most(double pace, std::uint32_t ceiling) const {
  const double needed = pace * (1.5 * static_cast<double>(latency_) + hanging_seconds) + hanging;
  std::uint32_t most = ceiling;
  if (needed < ceiling) most = static_cast<std::uint32_t>(needed);
  if (refused_ > 0) most = std::min(most, std::max(2U, std::uint32_t{refused_}) - 1U);
  return std::max(1U, most);
}

void ConcurrencyLimit::on_latency(Duration taken) {
  latency_ += 0.05F * (static_cast<float>(in_seconds(taken)) - latency_);
}

void ConcurrencyLimit::on_refused(std::uint32_t in_flight, PathSecond now) {
  const auto count = static_cast<std::uint16_t>(std::clamp<std::uint32_t>(in_flight, 1, 60'000));
  const bool is_same =
      refused_ > 0 && (count > refused_ ? count - refused_ : refused_ - count) <= 1;
  repeats_ = is_same ? std::min<std::uint8_t>(repeats_max, repeats_ + 1) : std::uint8_t{0};
  refused_ = count;
  next_try_ = now + retry_first * (1 << repeats_);
}

void ConcurrencyLimit::tick(PathSecond now) {
  if (refused_ == 0 || now < next_try_ || now > binding_until_) return;
  if (refused_ < 60'000) ++refused_;
  next_try_ = now + retry_first * (1 << repeats_);
}

}  // namespace mailweir::pacing
