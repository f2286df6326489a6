// What did a trip mean: a rate, a count of an hour or a day, something outside? Asked when its hold
// is over, since the length of the hold tells the one from the other. Pure.
#pragma once

#include <array>

#include "pacing/learned_limits.h"

namespace mailweir::pacing {

enum class Cause : std::uint8_t {
  rate,
  hour_count,
  day_count,
  outside,      // nothing we did was new: the limits stay
  doubtful,     // perhaps nothing at all
  false_alarm,  // unreadable replies in a row that no limit explains
};

// Trips that may show one count of an hour at quite different rates.
class HourlyPattern {
 public:
  // The count of an hour at which the last three trips agree; 0: they do not.
  float note(const TripFacts& trip, PathSecond began);

  template <class Archive>
  void archive(Archive& a) {
    a(hour_), a(density_), a(last_);
  }

 private:
  static constexpr std::size_t kept = 3;
  std::array<float, kept> hour_{};            // the latest first
  std::array<std::uint8_t, kept> density_{};  // six times ten minutes over the hour, in twentieths
  PathSecond last_{long_ago};
};

// `limits` and `demonstrated` as they were when the trip happened; changed to what it taught.
Cause attribute(const TripFacts& trip, const HoldFacts& hold, LearnedLimits& limits,
                std::array<float, windows>& demonstrated, HourlyPattern& pattern);

// The next pace to try within the bracket: bold where trips are cheap, at the sustained end where
// they are not.
float pace_between(const LearnedLimits& limits, double usual_hold);

// How long a refused level is believed: a probe may cost what a trip costs here, so it may come
// only so often that it takes a small share of the time.
double belief_seconds(double usual_hold);

bool is_long(const TripFacts& trip, const HoldFacts& hold);

// Messages between two probes of a rate.
inline constexpr float probe_messages_usual = 800;

}  // namespace mailweir::pacing
