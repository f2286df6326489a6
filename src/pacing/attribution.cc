#include "pacing/attribution.h"

#include <algorithm>
#include <cmath>

namespace mailweir::pacing {
namespace {

constexpr float pace_least = 1e-3F;
// A count of a window is refused until some of the window has passed: of the hour, of the day.
constexpr std::array<double, long_windows> hold_share{1.0 / 12.0, 1.0 / 6.0};
// … and no longer than all of it, and the wait for a canary.
constexpr double hold_most = 1.6;
constexpr std::uint32_t few = 8;  // messages accepted before the first trip
constexpr float probe_messages_most = 6'400;

float ratio_count(const TripFacts& trip, std::size_t window) {
  return trip.counts[window] / static_cast<float>(window_seconds[window]);
}

// The count was new: beyond what was demonstrated and what chance adds to it.
bool is_above(const TripFacts& trip, const std::array<float, windows>& demonstrated,
              std::size_t window) {
  const float safe = std::max(1.0F, demonstrated[window]);
  const float count = trip.counts[window];
  return count - safe > 2.0F * std::sqrt(safe) && count > 1.02F * safe;
}

bool is_rate_new(const TripFacts& trip, const std::array<float, windows>& demonstrated) {
  return is_above(trip, demonstrated, minute) || is_above(trip, demonstrated, ten_minutes);
}

void limit_hour(LearnedLimits& limits, float count) {
  limits.refused_counts[0] = count;
  limits.hourly = count;
  limits.pace = limits.sustained = 0.985F * count / 3600.0F;
  limits.refused_pace = count / 3600.0F;
}

// The long window whose count was new, or known to be refused, and whose hold was long enough;
// `windows`: none.
std::size_t blamed_window(const TripFacts& trip, const HoldFacts& hold, const LearnedLimits& limits,
                          const std::array<float, windows>& demonstrated) {
  std::size_t blamed = windows;
  if (2 * hold.canaries_accepted > hold.canaries_refused) return blamed;  // a count refuses all
  float strongest = 0.02F;
  for (std::size_t i = 0; i < long_windows; ++i) {
    const std::size_t window = first_long_window + i;
    const float count = trip.counts[window];
    const float safe = std::max(1.0F, demonstrated[window]);
    if (hold.length < hold_share[i] * window_seconds[window]) continue;
    if (hold.length > hold_most * window_seconds[window]) continue;
    float weight = 0;
    if (limits.refused_counts[i] < unknown && count >= 0.7F * limits.refused_counts[i]) {
      weight = 1.0F + count / limits.refused_counts[i];
    } else if (count - safe > std::sqrt(safe)) {
      weight = count / safe - 1.0F;
    } else if (hold.is_warming && count > 0.7F * safe) {
      weight = 0.5F + count / safe;  // a cold path: the smaller reading is believed
    }
    if (weight <= strongest) continue;
    strongest = weight;
    blamed = window;
  }
  return blamed;
}

void learn_count(const TripFacts& trip, const HoldFacts& hold, std::size_t window,
                 LearnedLimits& limits, std::array<float, windows>& demonstrated) {
  float& refused = limits.refused_counts[window - first_long_window];
  const float count = trip.counts[window] * (hold.is_warming ? 0.9F : 1.0F);
  refused = refused < unknown ? std::max(0.7F * refused, std::min(count, refused)) : count;
  demonstrated[window] = std::min(demonstrated[window], refused);
}

// A rate that is punished: the tight reading of the bracket. What ten minutes carried: a minute
// with more was a burst, a minute with less was chance.
void learn_punished_rate(const TripFacts& trip, LearnedLimits& limits,
                         std::array<float, windows>& demonstrated) {
  limits.refused_pace = std::max(pace_least, ratio_count(trip, ten_minutes));
  limits.sustained =
      std::max(pace_least, std::clamp(demonstrated[ten_minutes] / 600.0F,
                                      0.87F * limits.refused_pace, 0.92F * limits.refused_pace));
  // Of a path younger than ten minutes that is too little: it may climb towards what it really did.
  if (trip.is_first && trip.since_last < 600)
    limits.refused_pace =
        std::max(limits.refused_pace, trip.counts[ten_minutes] / std::max(60.0F, trip.since_last));
  limits.pace = limits.sustained;
  demonstrated[ten_minutes] = std::min(demonstrated[ten_minutes], 0.9F * trip.counts[ten_minutes]);
}

// Two trips in quick succession at one pace: the limiter never refilled between them, so what it
// let pass is its limit (the policer test of BBR).
bool is_policed(const TripFacts& trip) {
  return trip.since_last >= 60 && trip.since_last <= 900 && trip.was_pressed &&
         trip.accepted >= 25 && !trip.was_probing && !trip.is_first;
}

// A pace was in force and was refused.
void learn_from_pace(const TripFacts& trip, const HoldFacts& hold, LearnedLimits& limits,
                     float& messages) {
  const bool is_measured =
      trip.was_pressed && trip.accepted >= 60 && trip.since_last <= 7200 && !trip.is_first;
  const float carried =
      is_measured ? 0.985F * static_cast<float>(trip.accepted) / trip.since_last : 0.0F;
  if (trip.pace <= 1.02F * limits.sustained) {
    // Sustained before: the limit moved.
    limits.sustained = (trip.since_last < 1800 ? 0.85F : 0.95F) * trip.pace;
    messages *= 0.25F;
  } else {
    if (carried > 1.05F * limits.sustained) messages *= 0.25F;  // it rises: look again sooner
    // A climb that went on for minutes has carried most of its last ten. Where a box was met it
    // must be clearly more than before: a little may have been what was saved up.
    const float climbed = trip.was_probing ? 0.85F * ratio_count(trip, ten_minutes) : 0.0F;
    const bool has_risen = climbed > 1.2F * limits.sustained;
    if (has_risen) messages *= 0.25F;
    limits.sustained = std::min(
        trip.pace,
        std::max({limits.sustained, carried, has_risen || !hold.is_careful ? climbed : 0.0F}));
  }
  // A probe climbs in steps: what ten minutes carried of it is nearer to the limit than its top.
  const float climbed = trip.was_probing ? 1.02F * ratio_count(trip, ten_minutes) : trip.pace;
  limits.refused_pace = std::max(std::min(trip.pace, climbed), 1.03F * limits.sustained);
  limits.pace = limits.sustained;
}

// Between what was demonstrated and what was refused. A path that is younger than its windows has
// shown little: half of what it carried is believed.
void learn_first_rate(const TripFacts& trip, const HoldFacts& hold, LearnedLimits& limits,
                      const std::array<float, windows>& demonstrated) {
  const float young =
      trip.is_first && trip.since_last < 600
          ? 0.5F * static_cast<float>(trip.accepted) / std::max(60.0F, trip.since_last)
          : 0.0F;
  limits.sustained = std::max({pace_least, demonstrated[ten_minutes] / 600.0F, young});
  limits.refused_pace = std::max(ratio_count(trip, minute), 1.05F * limits.sustained);
  limits.pace = pace_between(limits, hold.usual_length);
}

// Where no rate is known: what was carried.
void keep_pace(LearnedLimits& limits, const std::array<float, windows>& demonstrated) {
  if (limits.has_pace()) return;
  limits.sustained = std::max(pace_least, demonstrated[ten_minutes] / 600.0F);
  limits.pace = limits.sustained;
}

void learn_outside(const TripFacts& trip, const HoldFacts& hold, LearnedLimits& limits,
                   const std::array<float, windows>& demonstrated) {
  const bool is_second = hold.began - hold.last_outside < std::chrono::minutes(30);
  if (is_second) {
    limits.refused_pace = std::max(ratio_count(trip, minute), pace_least);
    limits.sustained = 0.6F * limits.refused_pace;
    limits.pace = pace_between(limits, hold.usual_length);
  } else {
    keep_pace(limits, demonstrated);
  }
}

Cause learn_rate(const TripFacts& trip, const HoldFacts& hold, LearnedLimits& limits,
                 const std::array<float, windows>& demonstrated, HourlyPattern& pattern) {
  const float count = trip.counts[hour];
  if (limits.hourly > 0 && count > 0.96F * limits.hourly && count < 1.06F * limits.hourly) {
    limit_hour(limits, 0.5F * (count + limits.hourly));
    return Cause::rate;
  }
  Cause cause = Cause::rate;
  const float before = limits.sustained;
  const float messages_before = limits.probe_messages;
  float messages = probe_messages_usual;
  if (is_policed(trip)) {
    const float passed = static_cast<float>(trip.accepted) / trip.since_last;
    if (before > 0 && std::abs(passed - before) > 0.12F * before) messages *= 0.25F;
    limits.sustained = limits.pace = 0.97F * passed;
    limits.refused_pace = 1.03F * passed;
  } else if (limits.has_pace() &&
             (trip.was_pressed || ratio_count(trip, ten_minutes) > 0.9F * trip.pace ||
              ratio_count(trip, minute) > 0.9F * trip.pace)) {
    learn_from_pace(trip, hold, limits, messages);
  } else if (!limits.has_pace() && is_rate_new(trip, demonstrated)) {
    learn_first_rate(trip, hold, limits, demonstrated);
  } else {
    learn_outside(trip, hold, limits, demonstrated);
    messages = 100;
    cause = Cause::outside;
  }
  // A limit that stays is asked more seldom.
  if (messages == probe_messages_usual && before > 0 &&
      std::abs(limits.sustained - before) < 0.05F * before)
    messages = std::min(probe_messages_most, 1.6F * std::max(messages, messages_before));
  const float agreed = pattern.note(trip, hold.began);
  if (agreed > 0) limit_hour(limits, agreed);
  limits.probe_messages = messages;
  return cause;
}

}  // namespace

float pace_between(const LearnedLimits& limits, double usual_hold) {
  if (usual_hold >= 300) return limits.sustained;
  const float middle = std::sqrt(limits.sustained * limits.refused_pace);
  return usual_hold < 60 ? middle : std::sqrt(limits.sustained * middle);
}

float HourlyPattern::note(const TripFacts& trip, PathSecond began) {
  if (began - last_ > std::chrono::minutes(10)) {
    std::shift_right(hour_.begin(), hour_.end(), 1);
    std::shift_right(density_.begin(), density_.end(), 1);
    hour_[0] = trip.counts[hour];
    const float density = 120.0F * trip.counts[ten_minutes] / std::max(1.0F, trip.counts[hour]);
    density_[0] = static_cast<std::uint8_t>(std::min(255.0F, density));
    last_ = began;
  } else if (began != last_) {
    return 0;
  }
  const auto [least, most] = std::ranges::minmax(hour_);
  if (least <= 0 || most >= 1.04F * least) return 0;
  // At rates that differ, or all of them denser than the hour would allow for long.
  const auto [sparse, dense] = std::ranges::minmax(density_);
  if (5 * dense <= 9 * sparse && sparse <= 30) return 0;
  return least;
}

double belief_seconds(double usual_hold) {
  constexpr double week = 7 * 86'400.0;
  return std::min(week, (usual_hold <= 300 ? 20.0 : 60.0) * usual_hold);
}

bool is_long(const TripFacts& trip, const HoldFacts& hold) {
  return hold.length > std::max(300.0, 6.0 / static_cast<double>(trip.pace)) &&
         hold.canaries_refused >= 2;
}

Cause attribute(const TripFacts& trip, const HoldFacts& hold, LearnedLimits& limits,
                std::array<float, windows>& demonstrated, HourlyPattern& pattern) {
  // Refused at first contact: so few messages explain nothing.
  if (trip.is_first && trip.accepted < few) return Cause::doubtful;
  if (!is_long(trip, hold)) {
    // Unclear replies alone, and the path takes mail at once: twice, before a proven pace falls.
    if (trip.is_unclear && hold.canaries_refused == 0 && limits.has_pace() &&
        trip.pace <= 1.02F * limits.sustained && trip.since_last > 1800)
      return Cause::doubtful;
    const bool is_again = !trip.is_first && trip.since_last < 400;
    const bool is_taken_at_once = trip.is_unclear && hold.canaries_refused == 0;
    // Where a refusal lasts, one that is over at once was none.
    if (is_taken_at_once && hold.usual_length >= 300) return Cause::false_alarm;
    // Explained by a new rate, or by one that was really used where a limit is known.
    const float used = std::max(ratio_count(trip, minute), ratio_count(trip, ten_minutes));
    const bool is_explained =
        limits.has_pace() ? used > 0.8F * trip.pace
                          : is_rate_new(trip, demonstrated) &&
                                (!trip.is_first || used > static_cast<float>(hold.believed_rate));
    if (is_taken_at_once && !is_explained && !is_again) return Cause::false_alarm;
    return learn_rate(trip, hold, limits, demonstrated, pattern);
  }
  const std::size_t blamed = blamed_window(trip, hold, limits, demonstrated);
  if (blamed < windows) {
    // As long as both were new, the rate may have been it as well.
    if (blamed == hour && is_rate_new(trip, demonstrated))
      learn_punished_rate(trip, limits, demonstrated);
    learn_count(trip, hold, blamed, limits, demonstrated);
    keep_pace(limits, demonstrated);  // what has gathered meanwhile must not come all at once
    return blamed == hour ? Cause::hour_count : Cause::day_count;
  }
  // Where refusals end within seconds and the pace is known, this was another matter, unless a row
  // of refusals earned it; but not twice in a day.
  if (limits.has_pace() && hold.usual_length < 60 && trip.since_last > 900 &&
      trip.pace <= 1.05F * limits.refused_pace &&
      hold.began - hold.last_outside > std::chrono::hours(24)) {
    limits.probe_messages = 100;
    return Cause::outside;
  }
  // Hardly ever was it as much: chance would not place another cause just there.
  const bool is_at_top = trip.counts[ten_minutes] > 0.97F * demonstrated[ten_minutes];
  if (is_rate_new(trip, demonstrated) || is_at_top) {
    learn_punished_rate(trip, limits, demonstrated);
    return Cause::rate;
  }
  if (limits.has_pace() && trip.was_pressed) {
    return learn_rate(trip, hold, limits, demonstrated, pattern);
  }
  limits.probe_messages = 100;
  keep_pace(limits, demonstrated);
  return Cause::outside;
}

}  // namespace mailweir::pacing
