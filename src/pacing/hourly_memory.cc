#include "pacing/hourly_memory.h"

#include <algorithm>
#include <cmath>

namespace mailweir::pacing {
namespace {

constexpr std::int32_t hour_seconds = 3'600;
constexpr double pressed_least = 900;     // seconds of an hour that say something about it
constexpr std::int32_t steps = 32;        // of an octave
constexpr std::int32_t level_most = 127;  // four octaves
constexpr std::int32_t level_first = 64;  // of the first hour: in the middle
constexpr float blend_most = 1.25F;       // what differs by more is not blended, but replaced

constexpr float carried_most = 1e12F;  // in an hour: nobody carries more

// Of an image's path time may lie before its zero.
std::int32_t hour_of(PathSecond now) {
  const std::int32_t seconds = now.count();
  return seconds / hour_seconds - (seconds % hour_seconds < 0 ? 1 : 0);
}

std::int32_t second_of_hour(PathSecond now) {
  const std::int32_t rest = now.count() % hour_seconds;
  return rest < 0 ? rest + hour_seconds : rest;
}

// In steps of an octave; between powers of two evenly, so that no logarithm is needed.
std::int32_t position(float rate) {
  int exponent = 0;
  const float part = std::frexp(rate, &exponent);  // 0.5 … 1
  return exponent * steps + static_cast<std::int32_t>(std::lround((part - 0.5F) * 2 * steps));
}

}  // namespace

void HourlyMemory::note_carried(float pace, PathSecond time) {
  carried_ += pace * static_cast<float>(time.count());
  pressed_.add(time);
}

std::size_t HourlyMemory::place(PathSecond now, std::int32_t hours_ahead) {
  const std::int32_t hour = (hour_of(now) + hours_ahead) % hours;
  return static_cast<std::size_t>(hour < 0 ? hour + hours : hour);
}

void HourlyMemory::note_refused(PathSecond now) {
  levels_[place(now, 0)] |= refused_bit;
}

void HourlyMemory::advance(PathSecond since, PathSecond now) {
  if (hour_of(since) == hour_of(now)) return;
  remember_last_hour(levels_[place(since, -1)]);
  if (pressed_.seconds() >= pressed_least)
    last_hour_ = make_level(carried_ / static_cast<float>(pressed_.seconds()));
  carried_ = 0;
  pressed_.clear();
  if (hour_of(since) + 1 != hour_of(now)) remember_last_hour(levels_[place(since, 0)]);
}

void HourlyMemory::remember_last_hour(std::uint8_t& kept) {
  if (last_hour_ == 0) return;
  const float before = rate_of(kept);
  float rate = rate_of(last_hour_);
  if (before > 0 && rate < blend_most * before && before < blend_most * rate)
    rate = 0.5F * (rate + before);
  last_hour_ = 0;
  const bool was_refused = (kept & refused_bit) != 0;
  kept = make_level(rate);
  if (was_refused) kept = static_cast<std::uint8_t>(kept | refused_bit);
}

// Moves all of them by octaves where a rate is out of their range; what falls out then is cut.
std::uint8_t HourlyMemory::make_level(float rate) {
  const std::int32_t wanted = position(rate);
  const bool is_empty =
      std::ranges::all_of(levels_, [this](auto each) { return rate_of(each) == 0; });
  if (is_empty) octave_ = static_cast<std::int8_t>((wanted - level_first) / steps);
  std::int32_t shift = 0;
  while (wanted - (octave_ + shift) * steps > level_most) ++shift;
  while (wanted - (octave_ + shift) * steps < 1) --shift;
  octave_ = static_cast<std::int8_t>(octave_ + shift);
  for (std::uint8_t& each : levels_) {
    const std::int32_t level = each & ~refused_bit;
    if (level == 0) continue;
    const std::int32_t moved = std::clamp(level - shift * steps, 1, level_most);
    each = static_cast<std::uint8_t>((each & refused_bit) | moved);
  }
  return static_cast<std::uint8_t>(wanted - octave_ * steps);
}

float HourlyMemory::rate_of(std::uint8_t level) const {
  const std::int32_t bare = level & ~refused_bit;
  if (bare == 0) return 0;
  const float part = 0.5F + static_cast<float>(bare % steps) / (2 * steps);
  return std::ldexp(part, octave_ + bare / steps);
}

float HourlyMemory::rate(PathSecond now) const {
  const float here = rate_of(levels_[place(now, 0)]);
  const float part = static_cast<float>(second_of_hour(now)) / hour_seconds - 0.5F;
  const float beside = rate_of(levels_[place(now, part < 0 ? -1 : 1)]);
  if (here == 0 || beside == 0) return here;
  return here + std::abs(part) * (beside - here);
}

float HourlyMemory::change(PathSecond since, PathSecond now) const {
  const float before = rate(since);
  const float after = rate(now);
  return before > 0 && after > 0 ? after / before : 1.0F;
}

float HourlyMemory::today(PathSecond now) const {
  const float before = rate_of(levels_[place(now, -1)]);
  const float last = rate_of(last_hour_);
  return last > 0 && last < before ? last / before : 1.0F;
}

bool HourlyMemory::was_refused(PathSecond now) const {
  const std::uint8_t level = levels_[place(now, 0)];
  return level > refused_bit;
}

bool HourlyMemory::is_sound() const {
  return octave_ >= -64 && octave_ <= 64 && last_hour_ <= level_most && carried_ >= 0 &&
         carried_ <= carried_most;
}

}  // namespace mailweir::pacing
