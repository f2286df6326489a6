// The HourlyMemory keeps, for each hour of the day, the rate that a path carried under pressure
// there: many limits follow the day, and what yesterday's hour bore tells what is coming.
//
// The hour is one of the path's own time, modulo a day: no wall clock. An hour in which mail
// pressed for less than a quarter leaves what was known of it. Rates are kept to 3 %, over four
// octaves round the latest. A value. Rates in messages per second.
#pragma once

#include <array>
#include <cstdint>

#include "pacing/path_time.h"

namespace mailweir::pacing {

class HourlyMemory {
 public:
  // A pace was used so long, and mail pressed.
  void note_carried(float pace, PathSecond time);
  // The limit was met in this hour.
  void note_refused(PathSecond now);
  // From `since` to `now` time has passed: an hour that ended between them is remembered.
  void advance(PathSecond since, PathSecond now);

  // Of this time on an earlier day, between the middles of two hours; 0: unknown.
  float rate(PathSecond now) const;
  // By what factor the remembered rate changes between two moments less than a day apart; 1 where
  // either is unknown.
  float change(PathSecond since, PathSecond now) const;
  // The last hour's rate by that of the same hour before, 1 at most and where either is unknown.
  float today(PathSecond now) const;
  // Whether the limit was met in this hour.
  bool was_refused(PathSecond now) const;

  bool is_sound() const;  // of an image
  template <class Archive>
  void archive(Archive& a) {
    a(levels_, octave_, last_hour_, pressed_, carried_);
  }

 private:
  static constexpr std::int32_t hours = 24;
  static constexpr std::uint8_t refused_bit = 0x80;

  static std::size_t place(PathSecond now, std::int32_t hours_ahead);
  float rate_of(std::uint8_t level) const;
  void remember_last_hour(std::uint8_t& kept);
  std::uint8_t make_level(float rate);

  // 0: unknown; else steps of a thirty-second part above `octave_`, and whether it was refused.
  std::array<std::uint8_t, hours> levels_{};
  std::int8_t octave_ = 0;
  // Takes its place an hour later: what is compared is of one day.
  std::uint8_t last_hour_ = 0;
  // Of the hour now running.
  SecondsSum pressed_;
  float carried_ = 0;  // messages
};

}  // namespace mailweir::pacing
