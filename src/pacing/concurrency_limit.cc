#include "pacing/concurrency_limit.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mailweir::pacing {
namespace {

constexpr PathSecond retry_first{600};
constexpr std::uint8_t repeats_max = 5;
// Attempts that hang until a time-out hold their places for minutes; they must not stop the path,
// whose pace spaces the others anyway.
constexpr double hanging = 20;
constexpr double hanging_seconds = 5;  // … more of them where more is sent
constexpr std::uint8_t any_number = std::numeric_limits<std::uint8_t>::max();
// Connections grow when they have been short for the time of so many answers: a peak of arrivals
// is over by then, and a peer that allows few has not been asked for more than the mail needs.
constexpr double growth_answers = 120;
constexpr double growth_seconds_least = 10;
constexpr double growth_seconds_most = 1200;
constexpr double short_seconds_most = 120;
constexpr double short_answers = 2;  // they are short until so much time has passed without a word
constexpr double answer_seconds = 0.7;  // of a peer nothing is known about

}  // namespace

std::uint32_t ConcurrencyLimit::most(double pace, std::uint32_t ceiling) const {
  const double needed = pace * (1.5 * static_cast<double>(latency_) + hanging_seconds) + hanging;
  std::uint32_t most = ceiling;
  if (needed < ceiling) most = static_cast<std::uint32_t>(needed);
  if (refused_ > 0) most = std::min(most, std::max(2U, std::uint32_t{refused_}) - 1U);
  return std::max(1U, most);
}

std::uint32_t ConcurrencyLimit::connections_most(double rate) const {
  if (refused_ > 0) return std::max(2U, std::uint32_t{refused_}) - 1U;
  if (grown_ == any_number || rate * answer_seconds >= double{any_number})
    return std::numeric_limits<std::uint32_t>::max();
  return std::max(std::uint32_t{grown_},
                  static_cast<std::uint32_t>(std::ceil(rate * answer_seconds)));
}

std::chrono::seconds ConcurrencyLimit::growth_time() const {
  const double answers = growth_answers * static_cast<double>(latency_);
  return of_seconds(std::clamp(answers, growth_seconds_least, growth_seconds_most));
}

void ConcurrencyLimit::note_short(PathSecond now) {
  if (refused_ > 0) return;  // note_binding() tells more
  if (now > binding_until_) next_try_ = now + growth_time();
  const double until_next = short_answers * static_cast<double>(latency_);
  binding_until_ =
      now + of_seconds(std::clamp(until_next, growth_seconds_least, short_seconds_most));
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
  if (now < next_try_ || now > binding_until_) return;
  if (refused_ == 0) {
    grown_ = static_cast<std::uint8_t>(std::min<int>(any_number, grown_ + (grown_ + 1) / 2));
    next_try_ = now + growth_time();
    return;
  }
  if (refused_ < 60'000) ++refused_;
  next_try_ = now + retry_first * (1 << repeats_);
}

}  // namespace mailweir::pacing
