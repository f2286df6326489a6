#include "pacing/path_controller.h"

#include <algorithm>
#include <limits>

namespace mailweir::pacing {
namespace {

// An operator may write any number; the arithmetic wants a positive one.
float positive(double value, float least) {
  return value >= static_cast<double>(least) ? static_cast<float>(value) : least;
}

}  // namespace

PathController::Ceilings PathController::ceilings_of(const LearningSettings& settings) {
  Ceilings ceilings{.rate = positive(settings.rate_max, 1e-6F),
                    .concurrency = std::max(1U, settings.concurrency_max),
                    .start_rate = positive(std::min(settings.start_rate, 1e6), 1e-3F),
                    .salt = settings.salt,
                    .grows_freely = settings.grows_freely,
                    .warming = settings.warming};
  for (std::size_t i = 0; i < long_windows; ++i)
    ceilings.counts[i] = positive(settings.count_max[i], 0.0F);
  return ceilings;
}

PathController::PathController(const LearningSettings& settings, Instant now)
    : origin_(now), ceilings_(ceilings_of(settings)) {}

PathTime PathController::path_time(Instant now) const {
  return std::max(PathTime{}, now - origin_);
}

Instant PathController::instant(PathTime time) const {
  return origin_ + time;
}

void PathController::set_ceilings(const LearningSettings& settings, Instant now) {
  const Ceilings ceilings = ceilings_of(settings);
  if (ceilings == ceilings_) return;
  tick(path_time(now));
  ceilings_ = ceilings;
  // What a lifted ceiling had put off comes at the pace that is in force now.
  if (mode_ == Mode::open)
    next_start_ = std::min(next_start_, path_time(now) + from_seconds(1.0 / burst_pace()));
}

void PathController::forget(const LearningSettings& settings, Instant now) {
  *this = PathController(settings, now);
}

Change PathController::hold(HoldCause cause, Instant now) {
  return trip(path_time(now), cause, {}, false);
}

void PathController::rest_until(Instant at) {
  if (mode_ != Mode::held) return;
  next_start_ = std::max(next_start_, path_time(at));
  trickle_at_ = std::max(trickle_at_, whole_seconds(path_time(at)));
}

void PathController::succeed(const PathController& present, Instant now) {
  attempts_.add(present.attempts_, present.origin_ - origin_, path_time(now));
  if (present.mode_ != Mode::open) stay_shut(present, now);
}

void PathController::stay_shut(const PathController& present, Instant now) {
  const PathTime next_there =
      present.is_canary_out_ ? present.watched_since_ + canary_lease : present.next_start_;
  const Instant next = std::max(now, present.instant(next_there));
  if (mode_ != Mode::held) {
    const bool is_new = hold(present.cause_, now) == Change::held;
    if (is_new) episode_at_ = path_time(present.instant(present.episode_at_));
    next_start_ = path_time(next);  // it has waited there
  }
  cause_ = present.cause_;
  rest_until(next);
  doublings_ = std::max(doublings_, present.doublings_);
  resume_share_ = std::min(resume_share_, present.resume_share_);
}

void PathController::assume_shown(double rate) {
  for (std::size_t window = 0; window < windows; ++window) {
    const auto count = static_cast<float>(rate * window_seconds[window]);
    demonstrated_[window] = std::max(demonstrated_[window], count);
  }
}

Mode PathController::mode() const {
  return mode_;
}

std::uint32_t PathController::connections_most() const {
  if (ceilings_.grows_freely && !concurrency_.was_refused())
    return std::numeric_limits<std::uint32_t>::max();
  return concurrency_.connections_most(static_cast<double>(ceilings_.start_rate));
}

void PathController::note_connections_short(Instant now) {
  concurrency_.note_short(whole_seconds(path_time(now)));
}

LearnedState PathController::state(Instant now) const {
  const PathTime time = path_time(now);
  LearnedState state{
      .mode = mode_,
      .cause = cause_,
      .canaries_refused = canaries_.refused(),
      .episodes = episodes_,
      .pace = grows_unbound() ? static_cast<double>(ceilings_.rate)
                              : pace() * static_cast<double>(resume_share_),
      .sustained = static_cast<double>(limits_.sustained),
      .refused = static_cast<double>(limits_.refused_pace),
      .accepted_share = canaries_.accepted_share(),
      .hour_rate = static_cast<double>(hours_.rate(whole_seconds(time))),
      .own_pace = grows_unbound() ? unlimited : own_pace() * static_cast<double>(resume_share_),
      .is_pace_learned = limits_.has_pace()};
  state.since = mode_ == Mode::open ? instant(PathTime(std::max(PathSecond{}, opened_at_)))
                                    : instant(episode_at_);
  if (mode_ == Mode::held)
    state.next_canary =
        instant(std::max(time, is_canary_out_ ? watched_since_ + canary_lease : next_start_));
  if (last_refusal_ > long_ago) state.last_refusal = instant(last_refusal_);
  state.connections = connections_most();
  state.concurrency =
      mode_ == Mode::held ? 1 : concurrency_.most(burst_pace(), ceilings_.concurrency);
  for (std::size_t window = 0; window < windows; ++window) {
    state.counts[window] = attempts_.value(window, time);
    state.demonstrated[window] = static_cast<double>(demonstrated_[window]);
    state.most[window] = most(window);
  }
  return state;
}

}  // namespace mailweir::pacing
