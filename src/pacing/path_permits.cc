// When the next message may start: looks at what is learned and changes nothing.
#include <algorithm>

#include "pacing/path_controller.h"

namespace mailweir::pacing {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// While no limit is known, a count may grow by this factor over what is demonstrated.
constexpr std::array<double, windows> growth{2.0, 1.7, 2.0, 4.0};
constexpr std::array<double, windows> growth_warming{2.0, 1.7, 1.5, 2.0};
// … and is never less than this.
constexpr std::array<double, windows> count_least{3, 6, 12, 40};
constexpr double count_margin = 0.96;         // below a refused count,
constexpr double count_margin_cheap = 0.985;  // where a refusal costs little
// The part of a scarce count of an hour or a day that a rank may use.
constexpr std::array<double, ranks> share{1.0, 0.97, 0.92};
constexpr double hour_of_day = 0.08;   // of a young reputation's messages
constexpr double share_of_lent = 0.9;  // for ranks below urgent, while no rate is known
// For what was in flight when the hold began: a few answers' time; what hangs would take minutes.
constexpr Duration stray_wait_least = seconds(5);
constexpr Duration stray_wait_most = minutes(1);
constexpr double stray_wait_answers = 5;
constexpr Duration share_wait = seconds(30);

constexpr std::array<Binding, windows> count_bindings{
    Binding::minute_count, Binding::ten_minute_count, Binding::hour_count, Binding::day_count};

bool any_waits(const Demand& demand, Rank lowest) {
  for (std::size_t rank = 0; rank <= static_cast<std::size_t>(lowest); ++rank) {
    if (demand.waiting[rank]) return true;
  }
  return false;
}

}  // namespace

Permit PathController::peek(Instant now, std::uint32_t in_flight, const Demand& demand) const {
  return decide(path_time(now), in_flight, demand);
}

Permit PathController::ask(Instant now, std::uint32_t in_flight, const Demand& demand) {
  const PathTime time = path_time(now);
  tick(time);
  const Permit permit = decide(time, in_flight, demand);
  note_pressure(time, permit);
  return permit;
}

// Path times inside, instants outside.
Permit PathController::decide(PathTime now, std::uint32_t in_flight, const Demand& demand) const {
  Permit permit;
  switch (mode_) {
    case Mode::held:
      permit = held_permit(now, in_flight, demand);
      break;
    case Mode::ramp:
      permit = ramp_permit(now, in_flight, demand);
      break;
    case Mode::open:
      permit = open_permit(now, in_flight, demand);
      break;
  }
  const bool is_never = permit.at == never;
  if (!is_never) permit.at = instant(std::max(now, permit.at - Instant{}));
  return permit;
}

Permit PathController::held_permit(PathTime now, std::uint32_t in_flight,
                                   const Demand& demand) const {
  if (is_canary_out_) {
    return {.at = Instant(std::max(now, watched_since_ + canary_lease)),
            .binding = Binding::canary};
  }
  PathTime at = next_start_;
  const PathTime trickle = trickle_at_;
  Rank lowest = Rank::bulk;
  if (cause_ == HoldCause::throttle && trickle < at && canaries_.is_partial()) {
    const Rank worth = canaries_.lowest(episode_seconds(now));
    if (any_waits(demand, worth)) {
      at = trickle;
      lowest = worth;
    }
  }
  const Duration stray_wait = std::clamp(from_seconds(stray_wait_answers * concurrency_.latency()),
                                         stray_wait_least, stray_wait_most);
  const PathTime strays_gone = fresh_since_ + stray_wait;
  if (in_flight > 0 && at < strays_gone) {
    return {.at = now < strays_gone ? Instant(strays_gone) : Instant(at),
            .lowest = lowest,
            .binding = Binding::hold};
  }
  return {.at = Instant(at), .lowest = lowest, .binding = at > now ? Binding::hold : Binding::none};
}

Permit PathController::ramp_permit(PathTime now, std::uint32_t in_flight,
                                   const Demand& demand) const {
  if (in_flight >= concurrency_.most(pace(), ceilings_.concurrency))
    return {.at = never, .binding = Binding::concurrency};
  const bool is_round_full = round_started_ >= round_;
  const PathTime at = is_round_full ? next_start_ + canary_lease : next_start_;
  Permit permit{.at = Instant(at), .binding = at > now ? Binding::ramp : Binding::none};
  bind_counts(now, demand, permit);
  return permit;
}

Permit PathController::open_permit(PathTime now, std::uint32_t in_flight,
                                   const Demand& demand) const {
  const double rate = burst_pace();
  if (in_flight >= concurrency_.most(rate, ceilings_.concurrency))
    return {.at = never, .binding = Binding::concurrency};
  Permit permit;
  const PathTime at = next_start_ - from_seconds(burst / rate);
  if (at > now) permit = {.at = Instant(at), .binding = Binding::pace};
  bind_counts(now, demand, permit);
  return permit;
}

// Every count that is near its end puts the permit off, or keeps the lower ranks away.
void PathController::bind_counts(PathTime now, const Demand& demand, Permit& permit) const {
  for (std::size_t window = 0; window < windows; ++window) {
    double cap = most(window);
    double cap_below_urgent = cap;
    if (demand.carries_others) {
      cap = most_lent(window);
      cap_below_urgent = limits_.has_pace() ? cap : share_of_lent * cap;
    }
    if (cap == unlimited) continue;
    const double count = attempts_.value(window, now) + 1.0;
    for (std::size_t rank = static_cast<std::size_t>(permit.lowest); rank > 0; --rank) {
      const double part = window < first_long_window ? 1.0 : share[rank];
      if (count <= std::min(cap_below_urgent, part * cap)) break;
      permit.lowest = static_cast<Rank>(rank - 1);
    }
    const bool is_some_rank_free = any_waits(demand, permit.lowest);
    if (count <= cap && is_some_rank_free) continue;
    PathTime at = attempts_.free_at(window, now, cap);
    Binding binding = count_bindings[window];
    if (count <= cap) {
      // Only ranks wait whose part is used up.
      at = now + share_wait;
      binding = Binding::share;
    }
    if (at <= permit.at - Instant{}) continue;
    permit.at = Instant(at);
    permit.binding = binding;
  }
  if (permit.binding != Binding::none || permit.lowest == Rank::bulk) return;
  for (std::size_t rank = static_cast<std::size_t>(permit.lowest) + 1; rank < ranks; ++rank) {
    if (demand.waiting[rank]) permit.binding = Binding::share;
  }
}

// What is believed to be safe: what was shown, or the start rate, for a rate until the first trip.
double PathController::believed(std::size_t window) const {
  const double shown = static_cast<double>(demonstrated_[window]);
  if (is_start_refuted_ && window < first_long_window) return shown;
  return std::max(shown, static_cast<double>(ceilings_.start_rate) * window_seconds[window]);
}

double PathController::most(std::size_t window) const {
  double cap = unlimited;
  const bool is_long_window = window >= first_long_window;
  if (!grows_unbound() && (is_long_window || !limits_.has_pace())) {
    const auto& factors = ceilings_.warming ? growth_warming : growth;
    cap = believed(window) * factors[window];
  }
  if (is_long_window) {
    const double refused = static_cast<double>(limits_.refused_counts[window - first_long_window]);
    const double margin = usual_hold() < 300 ? count_margin_cheap : count_margin;
    cap = std::min(cap, margin * refused);
  }
  cap = std::max(cap, count_least[window]);
  // A young reputation is shown day by day, evenly: what an hour adds is no proof.
  if (ceilings_.warming && window == hour)
    cap = std::min(cap, std::max(2.0, hour_of_day * most(day)));
  if (!is_long_window) return cap;
  return std::min(cap, static_cast<double>(ceilings_.counts[window - first_long_window]));
}

double PathController::most_lent(std::size_t window) const {
  double shown = std::max(believed(window), count_least[window]);
  // Whose rate is known may use it: counts tell no more then.
  if (limits_.has_pace())
    shown = std::max(shown, 1.05 * static_cast<double>(limits_.pace) * window_seconds[window]);
  return std::min(shown, most(window));
}

// The learned rate; unlimited while nothing bounds it.
double PathController::pace() const {
  return std::min(static_cast<double>(ceilings_.rate), own_pace());
}

double PathController::own_pace() const {
  if (limits_.has_pace()) return static_cast<double>(limits_.pace);
  return std::min(most(minute) / 60.0, most(ten_minutes) / 600.0);
}

// While only the envelope bounds the rate, a minute may be used unevenly.
double PathController::burst_pace() const {
  const double resumed = static_cast<double>(resume_share_);
  const double rate = pace() * resumed;
  if (limits_.has_pace()) return rate;
  return std::min(static_cast<double>(ceilings_.rate),
                  std::max(rate, 1.3 * most(minute) / 60.0 * resumed));
}

}  // namespace mailweir::pacing
