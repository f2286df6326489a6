// What outcomes teach: a trip holds the path, a canary releases it, a ramp verifies it.
#include <algorithm>

#include "pacing/path_controller.h"

namespace mailweir::pacing {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// By HoldCause.
constexpr std::array<double, 3> first_hold{15, 900, 60};
constexpr std::array<double, 3> longest_hold{3'600, 4 * 3'600, 900};
// Of the time a block has lasted: it ends when somebody has released us, an hour or days later.
constexpr double block_share = 0.25;
// Most boxes end within the hour: there closer steps; one that outlasts these may want silence.
constexpr int doublings_first = 5;
constexpr int doublings_slow = 9;
constexpr double first_hold_warming = 300;
constexpr double trickle_after_most = 60;
constexpr double first_hold_messages = 8;      // a throttle: so many messages' time, 3 to 15 s
constexpr Duration canary_again = seconds(2);  // after a result that says nothing
constexpr Duration connection_pause = seconds(2);
constexpr std::uint8_t verify_accepted = 12;
constexpr std::uint8_t round_max = 8;
constexpr std::uint8_t ramp_well_begun = 6;      // accepted
constexpr std::uint32_t relapses_explained = 3;  // more of them, and it refuses a share
constexpr double cluster_gap = 200;              // seconds; refusals must not come in clusters
constexpr double cluster_rest = 240;
constexpr float resume_partial = 0.6F;  // the whole pace may be refused for itself by now
constexpr auto relapse_within = minutes(2);
constexpr std::uint8_t openings_by_luck = 3;
constexpr float resume_least = 0.01F;

// Spreads what many paths would do at the same moment. 0 … 1.
double spread(std::uint32_t salt, std::uint32_t episode, std::uint32_t canary) {
  std::uint32_t x = salt * 0x9E3779B1U + episode * 0x85EBCA77U + canary * 0xC2B2AE3DU;
  x ^= x >> 15;
  x *= 0x2C1B3C6DU;
  x ^= x >> 12;
  return static_cast<double>(x >> 8) * 0x1.0p-24;
}

}  // namespace

void PathController::on_start(Instant now) {
  const PathTime time = path_time(now);
  attempts_.add(time);
  if (mode_ == Mode::held) {
    is_canary_out_ = true;
    watched_since_ = time;
    trickle_at_ =
        whole_seconds(time + from_seconds(canaries_.spacing(trip_.pace, episode_seconds(time))));
    return;
  }
  const double rate =
      mode_ == Mode::ramp ? pace() * static_cast<double>(resume_share_) : burst_pace();
  const PathTime earliest = mode_ == Mode::ramp ? time : std::max(next_start_, time);
  next_start_ = rate < unlimited ? earliest + from_seconds(1.0 / std::max(1e-3, rate)) : time;
  if (mode_ == Mode::ramp) {
    if (round_started_ >= round_) round_started_ = round_accepted_ = 0;  // the lease has run out
    ++round_started_;
  }
}

Change PathController::on_end(Instant now, const Attempt& attempt) {
  const PathTime time = path_time(now);
  const PathTime started = attempt.started - origin_;
  if (attempt.signal == Signal::accepted || attempt.signal == Signal::answered) ++accepted_;
  if (attempt.signal == Signal::accepted) concurrency_.on_latency(time - started);
  if (mode_ == Mode::held) {
    const bool is_canary = is_canary_out_ && started >= watched_since_;
    return is_canary ? on_canary_end(time, attempt) : Change::none;
  }
  if (started < fresh_since_) return Change::none;  // before we knew
  if (mode_ == Mode::ramp && attempt.signal != Signal::accepted && round_started_ > 0)
    --round_started_;  // it verifies nothing; another takes its place
  switch (attempt.signal) {
    case Signal::accepted:
      return on_accepted(time);
    case Signal::answered:
    case Signal::local:
      return Change::none;
    case Signal::connection_limit:
      return on_connection_limit(time, attempt);
    case Signal::throttled:
      return trip(time, HoldCause::throttle, attempt.wait, false);
    case Signal::block_listed:
      return trip(time, HoldCause::block_list, attempt.wait, false);
    case Signal::silent:
      return suspicion_.on_silent() ? trip(time, HoldCause::network, {}, false) : Change::none;
    case Signal::unclear:
      return on_unclear(time, attempt);
  }
  return Change::none;
}

Change PathController::on_canary_end(PathTime now, const Attempt& attempt) {
  is_canary_out_ = false;
  switch (attempt.signal) {
    case Signal::accepted: {
      canaries_.note(true, trip_.pace, episode_seconds(now));
      const bool goes_on = cause_ == HoldCause::throttle && canaries_.is_partial() &&
                           !canaries_.is_clear() && now < next_start_;
      return goes_on ? Change::none : release(now);
    }
    case Signal::answered:
    case Signal::local:
      next_start_ = std::max(now + canary_again, now < next_start_ ? next_start_ : PathTime{});
      return Change::none;
    case Signal::block_listed:
      cause_ = HoldCause::block_list;
      return refuse_canary(now, attempt.wait);
    case Signal::connection_limit:
    case Signal::throttled:
    case Signal::silent:
    case Signal::unclear:
      return refuse_canary(now, attempt.wait);
  }
  return Change::none;
}

Change PathController::on_accepted(PathTime now) {
  const PathSecond second = whole_seconds(now);
  suspicion_.on_accepted(lesson(second));
  if (mode_ == Mode::ramp) {
    canaries_.note(true, trip_.pace, episode_seconds(now));
    ++round_accepted_;
    if (++verified_ >= verify_accepted) return open(now);
    if (round_accepted_ >= round_) {
      round_ = std::min<std::uint8_t>(round_max, static_cast<std::uint8_t>(2 * round_));
      round_started_ = round_accepted_ = 0;
    }
    return Change::none;
  }
  if (second - last_refusal_ < seconds(20)) return Change::none;
  for (std::size_t window = 0; window < windows; ++window) {
    Candidate& candidate = candidates_[window];
    if (candidate.count > 0) continue;
    const auto count = static_cast<float>(attempts_.value(window, now));
    if (count > demonstrated_[window]) candidate = {count, second};
  }
  return Change::none;
}

// Where no limit is near, what is unclear is what is usual here; at a pace that was carried before,
// most of it.
Suspicion::Lesson PathController::lesson(PathSecond now) const {
  if (mode_ != Mode::open) return Suspicion::Lesson::none;
  const bool is_pressed = now - pressed_until_ < minutes(2) || now - last_refusal_ < minutes(2);
  if (!limits_.has_pace() || !is_pressed) return Suspicion::Lesson::plain;
  return limits_.pace <= limits_.sustained ? Suspicion::Lesson::pressed : Suspicion::Lesson::none;
}

// Only the first try of a message tells in full: one bad recipient tried again is no trend.
Change PathController::on_unclear(PathTime now, const Attempt& attempt) {
  const bool is_doubtful =
      mode_ == Mode::ramp || (limits_.has_pace() && limits_.pace > 1.02F * limits_.sustained);
  const float enough = is_doubtful          ? Suspicion::verifying
                       : limits_.has_pace() ? Suspicion::near_limit
                                            : Suspicion::from_nowhere;
  const bool is_enough = suspicion_.on_unclear(
      attempt.first_try ? 1.0F : 0.3F,
      attempt.first_try ? lesson(whole_seconds(now)) : Suspicion::Lesson::none, enough);
  return is_enough ? trip(now, HoldCause::throttle, attempt.wait, true) : Change::none;
}

Change PathController::on_connection_limit(PathTime now, const Attempt& attempt) {
  const PathTime started = attempt.started - origin_;
  if (started < watched_since_) return Change::none;  // one event for all that were under way
  concurrency_.on_refused(attempt.in_flight, whole_seconds(now));
  watched_since_ = now;
  next_start_ = std::max(next_start_, now + connection_pause);
  return Change::concurrency_cut;
}

Change PathController::trip(PathTime now, HoldCause cause, Duration named, bool is_unclear) {
  const PathSecond second = whole_seconds(now);
  // That it was verified may have been luck, but not again and again.
  const bool is_relapse = mode_ == Mode::open && second - opened_at_ < relapse_within &&
                          last_hold_ > 300 && cause == cause_ && openings_ <= openings_by_luck;
  // A ramp that was well under way met a lower limit: another event.
  const bool is_lower = mode_ == Mode::ramp && verified_ >= ramp_well_begun &&
                        cause == HoldCause::throttle && cause_ == cause &&
                        canaries_.refused() <= relapses_explained;
  const bool is_new = is_lower || (mode_ == Mode::open && !is_relapse);
  if (is_lower) double_hold();
  if (is_relapse) doublings_ = doublings_at_open_;
  if (is_new) {
    begin_episode(now, is_unclear);
  } else {
    double_hold();
    canaries_.note_relapse();
    if (cause == HoldCause::throttle)
      resume_share_ = std::max(resume_least, 0.5F * resume_share_);  // open, but not at this rate
  }
  cause_ = cause;
  canaries_.note(false, trip_.pace, episode_seconds(now));
  refusals_ = static_cast<float>(refusals_today(second)) + 1.0F;
  last_refusal_ = second;
  suspicion_.clear();
  // A short hold says nothing of what an hour or a day bears: judge() sees to these.
  candidates_[minute].count = candidates_[ten_minutes].count = 0;
  mode_ = Mode::held;
  is_canary_out_ = false;
  fresh_since_ = now;
  double length = hold_seconds(now);
  if (is_new) {
    // Three refusals in a row, two where a box was met.
    const int enough = second < careful_until_ ? 1 : 2;
    if (trips_in_a_row_ >= enough) length = std::max(length, cluster_rest);
  }
  hold_for(now, length, named);
  double trickle_after = std::min(length, trickle_after_most);
  if (canaries_.is_partial())  // the next of many
    trickle_after = std::min(trickle_after, canaries_.spacing(trip_.pace, episode_seconds(now)));
  trickle_at_ = second + PathSecond(static_cast<std::int32_t>(trickle_after));
  return is_new ? Change::held : Change::held_again;
}

void PathController::begin_episode(PathTime now, bool is_unclear) {
  const double since = in_seconds(now - episode_at_);
  const bool is_clustered = episodes_ > 0 && since < cluster_gap;
  trips_in_a_row_ = is_clustered && trips_in_a_row_ < 100
                        ? static_cast<std::uint8_t>(trips_in_a_row_ + 1)
                        : std::uint8_t{0};
  trip_ = {.pace = pace_used(now),
           .since_last = static_cast<float>(since),
           .accepted = accepted_,
           .was_pressed = pressed_.seconds() > 0.8 * std::min(since, SecondsSum::most()) &&
                          held_.seconds() < std::max(60.0, 0.3 * since),
           .was_probing = was_probed_,
           .is_first = episodes_ == 0,
           .is_unclear = is_unclear};
  for (std::size_t window = 0; window < windows; ++window)
    trip_.counts[window] = static_cast<float>(attempts_.value(window, now));
  before_ = limits_;
  episode_at_ = now;
  accepted_ = 0;
  openings_ = 0;
  pressed_.clear();
  held_.clear();
  canaries_.begin(trip_.pace);
  ++episodes_;
}

// The pace in force, but no more than was made of it.
float PathController::pace_used(PathTime now) const {
  double used = pace() * static_cast<double>(resume_share_);
  if (!limits_.has_pace()) {
    const double age = std::max(1.0, in_seconds(now));
    const double of_minute = attempts_.value(minute, now) / std::min(60.0, age);
    const double of_ten = attempts_.value(ten_minutes, now) / std::min(600.0, age);
    used = std::min(used, std::max(of_minute, of_ten));
  }
  return static_cast<float>(std::clamp(used, 1e-3, 1e6));
}

double PathController::refusals_today(PathSecond now) const {
  const double age = (now - last_refusal_).count() / 86'400.0;
  return static_cast<double>(refusals_) * std::max(0.0, 1.0 - age);
}

// A path's refusals of a day stay below 2 % of its attempts: reputation is made of this share.
bool PathController::refusals_abound(PathTime now) const {
  const double share = 0.02 * attempts_.value(day, now);
  return refusals_today(whole_seconds(now)) > std::max(ceilings_.warming ? 3.0 : 10.0, share);
}

double PathController::hold_seconds(PathTime now) const {
  const auto cause = static_cast<std::size_t>(cause_);
  double length = first_hold[cause];
  if (cause_ == HoldCause::throttle) {
    const double message = 1.0 / static_cast<double>(trip_.pace);
    length = std::min(length, std::max(3.0, first_hold_messages * message));
    length = std::max(length, 3.0 * message);
  }
  if (ceilings_.warming) length = std::max(length, first_hold_warming);
  for (int i = 0; i < std::min<int>(doublings_, 16); ++i)
    length *= i < doublings_first ? 2.0 : i < doublings_slow ? 1.35 : 1.7;
  if (cause_ == HoldCause::block_list)
    length = std::clamp(block_share * episode_seconds(now), first_hold[cause], length);
  length = std::min(length, longest_hold[cause]);
  if (refusals_abound(now)) {
    if (ceilings_.warming) length = std::max(length, 4.0 * 3'600.0);
    if (doublings_ > 0) length = std::max(length, 600.0);
  }
  return length;
}

void PathController::double_hold() {
  if (doublings_ < doublings_max) ++doublings_;
}

// What the peer names may only lengthen a hold.
void PathController::hold_for(PathTime now, double length, Duration named) {
  const double jitter = 0.1 * spread(ceilings_.salt, episodes_, canaries_.refused());
  const Duration own = from_seconds(length * (1.0 + jitter));
  next_start_ = now + std::max(own, std::min<Duration>(named, hours(24)));
}

Change PathController::refuse_canary(PathTime now, Duration named) {
  const PathSecond second = whole_seconds(now);
  canaries_.note_relapse();
  canaries_.note(false, trip_.pace, episode_seconds(now));
  refusals_ = static_cast<float>(refusals_today(second)) + 1.0F;
  last_refusal_ = second;
  const bool was_trickle = now < next_start_ && canaries_.is_partial();
  if (was_trickle && named == Duration{}) return Change::canary_refused;
  double_hold();
  double length = hold_seconds(now);
  const bool is_first = canaries_.refused() == 1;
  if (is_first && cause_ == HoldCause::throttle && usual_hold() > 300)
    length = std::max(length, 0.25 * usual_hold());  // holds are long here
  // In a box again: the silence that ended the last one is tried at once.
  if (is_first && cause_ == HoldCause::throttle && second < careful_until_)
    length = std::max(length, 0.9 * static_cast<double>(box_silence_));
  hold_for(now, length, named);
  return Change::canary_refused;
}

Change PathController::release(PathTime now) {
  const double length = episode_seconds(now);
  mode_ = Mode::ramp;
  fresh_since_ = now;
  round_ = 2;
  round_started_ = round_accepted_ = verified_ = 0;
  if (length >= 120) {
    resume_share_ = std::min(resume_share_, std::max(0.125F, static_cast<float>(120.0 / length)));
  }
  // A trickle that went well is not slowed for being verified.
  if (canaries_.is_partial())
    resume_share_ = std::max(resume_share_, std::min(resume_partial, canaries_.rate()));
  resume_at_ = whole_seconds(now) + minutes(1);
  if (cause_ == HoldCause::throttle) {
    judge(now, length);
  } else {
    is_start_refuted_ = true;
  }
  // What a trickle has left is no room for a round at once.
  next_start_ = now;
  if (canaries_.is_partial()) next_start_ += from_seconds(canaries_.spacing(trip_.pace, length));
  return Change::released;
}

// What the trip meant, now that the length of its hold is known; anew when the ramp failed.
void PathController::judge(PathTime now, double length) {
  const PathSecond second = whole_seconds(now);
  // Of an earlier episode, however often this one is judged.
  const PathSecond began = whole_seconds(episode_at_);
  const PathSecond last_outside = outside_at_ == began ? long_ago : outside_at_;
  const HoldFacts hold{.length = length,
                       .canaries_refused = canaries_.refused(),
                       .canaries_accepted = canaries_.accepted(),
                       .usual_length = expected_hold(second),
                       .began = whole_seconds(episode_at_),
                       .last_outside = last_outside,
                       .is_careful = second < careful_until_,
                       .is_warming = ceilings_.warming,
                       .believed_rate = static_cast<double>(ceilings_.start_rate)};
  limits_ = before_;
  if (is_long(trip_, hold))
    for (Candidate& candidate : candidates_) candidate.count = 0;
  const Cause cause = attribute(trip_, hold, limits_, demonstrated_, pattern_);
  is_apart_ = cause != Cause::rate && cause != Cause::hour_count && cause != Cause::doubtful;
  if (cause == Cause::false_alarm) suspicion_.on_false_alarm();
  if (cause == Cause::false_alarm || cause == Cause::doubtful) return;
  is_start_refuted_ = true;
  if (cause == Cause::rate) hours_.note_refused(whole_seconds(episode_at_));
  if (cause == Cause::outside) outside_at_ = whole_seconds(episode_at_);
  if (cause == Cause::day_count) attempts_.clear(day);  // taken as a calendar day that has turned
  if (cause == Cause::day_count || cause == Cause::hour_count) {
    const std::size_t i = cause == Cause::day_count ? 1 : 0;
    // Whoever waits for a day to end loses nothing by asking; an hour is soon over.
    count_try_at_[i] = second + hours(cause == Cause::day_count ? 0 : 2);
    count_steps_[i] = 0;
  }
  if (limits_.hourly > 0 && count_try_at_[0] <= second) count_try_at_[0] = second + hours(2);
  was_probed_ = false;
  probe_steps_ = 0;
  tested_.clear();
  schedule_probe(second);
}

Change PathController::open(PathTime now) {
  const PathSecond second = whole_seconds(now);
  const double length = in_seconds(fresh_since_ - episode_at_);
  mode_ = Mode::open;
  opened_at_ = second;
  if (openings_ < 100) ++openings_;
  doublings_at_open_ = doublings_;
  last_hold_ = static_cast<float>(length);
  doublings_ = length < 300 ? std::uint8_t{0} : std::min<std::uint8_t>(doublings_, 2);
  if (cause_ == HoldCause::throttle) {
    const bool no_count =
        limits_.refused_counts[0] == unknown && limits_.refused_counts[1] == unknown;
    if (length > 300 && canaries_.refused() >= 3 && no_count) {
      careful_until_ = second + hours(48);
      box_hold_ = is_apart_ ? 0.0F : last_hold_;
      box_silence_ = static_cast<float>((whole_seconds(fresh_since_) - last_refusal_).count());
    }
    if (!is_apart_) note_hold(length);
    // What the whole pace meets is a matter of its own.
    if (canaries_.is_partial()) resume_at_ = second + relapse_within + seconds(5);
  }
  if (limits_.has_pace()) {
    // What goes ahead of the pace is saved up anew.
    next_start_ = std::max(next_start_, now + from_seconds(burst / burst_pace()));
    const PathSecond probe_at = probe_at_;
    schedule_probe(second);
    probe_at_ = std::max(probe_at_, probe_at);
  }
  return Change::opened;
}

void PathController::note_hold(double length) {
  std::shift_right(holds_.begin(), holds_.end(), 1);
  holds_[0] = static_cast<float>(length);
}

// The median of the last three, or the longer of two.
double PathController::usual_hold() const {
  const auto [a, b, c] = holds_;
  if (a == 0) return first_hold[0];
  if (c == 0) return static_cast<double>(std::max(a, b));
  return static_cast<double>(std::max(std::min(a, b), std::min(std::max(a, b), c)));
}

}  // namespace mailweir::pacing
