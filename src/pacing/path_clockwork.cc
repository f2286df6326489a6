// What time brings: counts are confirmed, limits age and are probed, where mail presses.
#include <algorithm>

#include "pacing/path_controller.h"

namespace mailweir::pacing {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr PathSecond tick_length{5};
constexpr std::array<float, 8> probe_steps{0.03F,  0.042F, 0.059F, 0.082F,
                                           0.115F, 0.161F, 0.226F, 0.25F};
// Where a refusal is dear: this part of a refused pace is thought safe; beyond it by small steps.
constexpr float punished_part = 0.88F;
constexpr float punished_part_most = 0.90F;
constexpr float creep = 1.005F;
constexpr float probe_rest = 3'600;  // seconds
// Of the remembered rate of an hour: what is gone up to, below what it tells nothing of today; how
// soon after a refusal, and in how many seconds as much again.
constexpr float hour_part = 0.97F;
constexpr float hour_trust = 0.7F;
constexpr auto hour_rest = minutes(5);
constexpr float hour_glide = 900;
// Near it, where the limit was met then, a probe tells little.
constexpr float hour_near = 0.9F;
constexpr double hour_probe_rest = 1.5;
constexpr double hour_probe_most = 3'600;
constexpr std::uint8_t probe_step_last = probe_steps.size() - 1;

// Pressed seconds without a trip that make a pace sustained: short where a trip is cheap.
double sustained_after(double hold, const LearnedLimits& limits) {
  const bool is_wide = limits.refused_pace > 1.15F * limits.sustained;
  return is_wide ? std::clamp(20.0 * hold, 120.0, 600.0) : 600.0;
}

}  // namespace

void PathController::tick(PathTime now) {
  const PathSecond second = whole_seconds(now);
  if (second - last_tick_ < tick_length) return;
  const PathSecond since = last_tick_;
  const PathSecond elapsed = second - since;
  last_tick_ = second;
  if (mode_ != Mode::open || resume_share_ < 1) held_.add(elapsed);
  if (mode_ == Mode::held) {
    canaries_.tick(episode_seconds(now));
  }
  const bool is_used = limits_.has_pace() && second <= pressed_until_ && is_pace_used(now);
  const bool is_pressed = limits_.has_pace() ? is_used : second <= pressed_until_;
  if (mode_ != Mode::open || is_pressed) pressed_.add(elapsed);
  confirm_counts(second);
  age_refused_counts(second);
  hours_.advance(since, second);
  follow_day(since, second);
  if (is_used && mode_ == Mode::open) {
    hours_.note_carried(limits_.pace * resume_share_, elapsed);
    probe_upwards(now, elapsed);
  }
  concurrency_.tick(second);
  if (resume_share_ < 1 && second >= resume_at_) {
    resume_share_ = std::min(1.0F, 2.0F * resume_share_);
    resume_at_ = second + minutes(1);
  }
  if (mode_ == Mode::open && second - last_refusal_ > minutes(15)) doublings_ = 0;
}

// A count is demonstrated when a while has passed after it without a trip.
void PathController::confirm_counts(PathSecond now) {
  if (mode_ != Mode::open) return;
  for (std::size_t window = 0; window < windows; ++window) {
    Candidate& candidate = candidates_[window];
    // A young reputation grows by whole days: what the last one carried is shown when it is over.
    const double rest = window == day && ceilings_.warming ? 1.0 : 0.25;
    const double wait = std::max(150.0, rest * window_seconds[window]);
    if (candidate.count == 0 || (now - candidate.since).count() < wait) continue;
    if (window == day && ceilings_.warming)
      candidate.count = static_cast<float>(attempts_.value(day, Duration(now)));
    demonstrated_[window] = std::max(demonstrated_[window], candidate.count);
    candidate.count = 0;
  }
}

// A refused count is tried higher, step by step, where demand presses against it.
void PathController::age_refused_counts(PathSecond now) {
  for (std::size_t i = 0; i < long_windows; ++i) {
    float& refused = limits_.refused_counts[i];
    if (refused == unknown || now < count_try_at_[i] || now > count_binding_until_[i]) continue;
    const std::size_t window = first_long_window + i;
    refused *= 1.0F + probe_steps[count_steps_[i]];
    count_binding_until_[i] = long_ago;
    count_steps_[i] = std::min<std::uint8_t>(probe_step_last, count_steps_[i] + 1);
    count_try_at_[i] = now + of_seconds(std::max(60.0, window_seconds[window] / 60.0));
    if (refused > 6.0F * demonstrated_[window]) refused = unknown;
  }
}

// Time says something about the limit only if the pace was really used.
bool PathController::is_pace_used(PathTime now) const {
  const double rate = static_cast<double>(limits_.pace * resume_share_);
  const double since = std::max(60.0, in_seconds(now - fresh_since_));
  // The shortest window that says anything, and the next one: a burst is no use.
  std::size_t window = minute;
  while (window < hour && rate * std::min(since, window_seconds[window]) < 15.0) ++window;
  const auto is_used = [&](std::size_t in, double share) {
    return attempts_.value(in, now) >= share * rate * std::min(since, window_seconds[in]);
  };
  return is_used(window, 0.85) && is_used(std::min(window + 1, hour), 0.75);
}

// Where the limit follows the day, the bracket goes along with what the hours of an earlier day
// bore: down before the limit is met again, up where mail presses.
void PathController::follow_day(PathSecond since, PathSecond now) {
  LearnedLimits& l = limits_;
  const float known = hours_.rate(now);
  if (mode_ != Mode::open || !l.has_pace() || known == 0) return;
  const bool is_pressed = now <= pressed_until_;
  const float trend = hours_.change(since, now);
  // Without mail that presses nothing corrects it: no farther from what was carried then.
  const bool is_near = trend < 1 ? l.pace > hour_trust * known : l.pace * trend < known;
  if ((is_pressed || is_near) && (trend > 1 || hours_.was_refused(now))) l.scale(trend);
  // Below what was carried then, but near it: back to it without waiting for probes. Far below it
  // the limit is another one today, and the memory tells no more than its shape.
  const float most = hour_part * known * hours_.today(now);
  if (!is_pressed || resume_share_ < 1 || l.pace >= most || l.pace < hour_trust * known) return;
  if (now - last_refusal_ < hour_rest) return;
  const float step = 1.0F + static_cast<float>((now - since).count()) / hour_glide;
  const float pace = std::min(most, step * l.pace);
  l.sustained = std::max(l.sustained, std::min(pace, step * l.sustained));
  l.pace = pace;
  if (pace >= l.refused_pace) l.refused_pace = unknown;
}

void PathController::probe_upwards(PathTime now, PathSecond elapsed) {
  const PathSecond second = whole_seconds(now);
  LearnedLimits& l = limits_;
  const double hold = expected_hold(second);
  tested_.add(elapsed);
  if (tested_.seconds() >= sustained_after(hold, l) && resume_share_ == 1) {
    tested_.clear();
    l.sustained = std::max(l.sustained, l.pace);
    if (l.refused_pace < unknown && l.refused_pace > 1.06F * l.sustained && probe_steps_ == 0) {
      if (hold < 300) {
        l.pace = pace_between(l, hold);
      } else if (l.pace < punished_part * l.refused_pace) {
        const float safe = punished_part * l.refused_pace;
        l.pace = std::min(std::max(1.03F * l.pace, l.pace + 0.2F * (safe - l.pace)), safe);
      } else if (l.pace < punished_part_most * l.refused_pace) {
        l.pace *= creep;  // hour by hour nearer to what was refused
      }
    }
  }
  if (second < probe_at_) return;
  was_probed_ = true;
  l.pace = std::max(l.pace, l.sustained) * (1.0F + probe_steps[probe_steps_]);
  probe_steps_ = std::min<std::uint8_t>(probe_step_last, probe_steps_ + 1);
  tested_.clear();
  if (l.pace > l.refused_pace) l.refused_pace = unknown;
  const double step =
      std::max({120.0, 30.0 / static_cast<double>(l.pace), hold > 300 ? 2.0 * hold : 0.0});
  probe_at_ = second + of_seconds(step);
}

// What a trip costs here: where a box was met, one in a few will meet it again.
double PathController::expected_hold(PathSecond now) const {
  const auto usual = usual_hold();
  return now < careful_until_ ? std::max(usual, 0.2 * static_cast<double>(box_hold_)) : usual;
}

void PathController::schedule_probe(PathSecond now) {
  if (!limits_.has_pace()) return;
  // A limit that stays is asked more seldom, but a slow path not for half a day.
  const float messages =
      std::min(limits_.probe_messages, std::max(probe_messages_usual, probe_rest * limits_.pace));
  double wait = std::max({300.0, belief_seconds(expected_hold(now)),
                          static_cast<double>(messages / std::max(1e-3F, limits_.pace))});
  if (hours_.was_refused(now) && limits_.pace > hour_near * hours_.rate(now))
    wait = std::max(wait, std::min(hour_probe_rest * wait, hour_probe_most));
  probe_at_ = now + of_seconds(wait);
}

// Mail waits, and for what.
void PathController::note_pressure(PathTime now, const Permit& permit) {
  const PathSecond second = whole_seconds(now);
  switch (permit.binding) {
    case Binding::pace:
    case Binding::minute_count:
    case Binding::ten_minute_count:
      pressed_until_ = whole_seconds(permit.at - origin_) + seconds(15);
      break;
    case Binding::hour_count:
      count_binding_until_[0] = whole_seconds(permit.at - origin_) + seconds(60);
      break;
    case Binding::day_count:
      count_binding_until_[1] = whole_seconds(permit.at - origin_) + seconds(60);
      break;
    case Binding::share:
      count_binding_until_ = {second + seconds(60), second + seconds(60)};
      break;
    case Binding::concurrency:
      concurrency_.note_binding(second);
      break;
    default:
      break;
  }
}

}  // namespace mailweir::pacing
