#include <algorithm>

#include "world/penalty_models.h"

namespace mailweir::world {

PenaltyBoxModel::PenaltyBoxModel(PenaltyBoxParameters parameters, std::uint64_t seed, Instant start)
    : parameters_(std::move(parameters)),
      decides_at_(std::min(parameters_.phase, Step::mail)),
      random_(seed),
      start_(start),
      scope_(parameters_.scope),
      states_(State{.inside = {.level = BucketLevel::one, .updated = start}}) {}

Model::Interests PenaltyBoxModel::interests() const {
  return {
      .steps = static_cast<StepSet>(only(decides_at_) | only(parameters_.phase) | only(Step::mail)),
      .outcomes = needs_outcomes(parameters_.trip)};
}

bool PenaltyBoxModel::is_on(const State& state, Instant now) const {
  if (is_due(state, now) && now < start_ + parameters_.trip_at + parameters_.length) return true;
  if (!state.is_on) return false;
  if (now < state.until) return true;
  return parameters_.ends == PenaltyEnd::quiet &&
         state.tried.count(parameters_.trip.window, start_, now) >= parameters_.quiet_count;
}

// Whether the penalty of `trip_at` came since the last look.
bool PenaltyBoxModel::is_due(const State& state, Instant now) const {
  return parameters_.trip_at > Duration::zero() && !state.knows_trip_at &&
         now >= start_ + parameters_.trip_at;
}

void PenaltyBoxModel::begin(State& state, Instant when) const {
  if (!is_on(state, when)) ++state.trips;
  state.is_on = true;
  state.until = std::max(state.until, when + parameters_.length);
  state.strikes.clear();
}

PenaltyBoxModel::State& PenaltyBoxModel::current(std::uint32_t slot, Instant now) {
  State& state = states_.at(slot);
  if (is_due(state, now)) {
    state.knows_trip_at = true;
    begin(state, start_ + parameters_.trip_at);
  }
  if (!is_on(state, now)) state.is_on = false;
  return state;
}

void PenaltyBoxModel::count_try(State& state, Instant now) const {
  const bool trips = parameters_.trip.on == TripOn::messages;
  if (!trips && parameters_.ends != PenaltyEnd::quiet) return;
  state.tried.add(parameters_.trip.window, start_, now);
  if (trips && !state.is_on &&
      state.tried.count(parameters_.trip.window, start_, now) >= parameters_.trip.count)
    begin(state, now);
}

bool PenaltyBoxModel::refuses_try(State& state, Instant now) {
  if (!state.is_on) return false;
  const Instant furthest = now + parameters_.length_max;
  if (parameters_.ends == PenaltyEnd::extend)
    state.until = std::max(state.until, std::min(furthest, state.until + parameters_.per_attempt));
  if (parameters_.ends == PenaltyEnd::restart)
    state.until = std::max(state.until, std::min(furthest, now + parameters_.length));
  if (parameters_.share >= 1 || random_.unit() < parameters_.share) return true;
  if (parameters_.rate_inside.events == 0) return false;
  state.inside.refill(parameters_.rate_inside, 1, now);
  if (state.inside.level < BucketLevel::one) return true;
  state.inside.level -= BucketLevel::one;
  return false;
}

// The fate of a message is drawn once, at MAIL, whatever the phase that tells it.
Verdict PenaltyBoxModel::consider(Encounter& encounter) {
  State& state = current(scope_.of(encounter.subject), encounter.now);
  if (encounter.step == Step::mail) count_try(state, encounter.now);
  if (encounter.step == decides_at_) encounter.mark(refuses_try(state, encounter.now));
  if (encounter.step != parameters_.phase || !encounter.is_marked()) return {};
  return refuse(parameters_.manner, parameters_.reply, Cause::penalty);
}

void PenaltyBoxModel::strike(State& state, Instant now) const {
  if (state.is_on) return;
  state.strikes.add(parameters_.trip.window, start_, now);
  if (state.strikes.count(parameters_.trip.window, start_, now) >= parameters_.trip.count)
    begin(state, now);
}

void PenaltyBoxModel::on_accepted(Encounter& encounter) {
  if (parameters_.trip.on == TripOn::unwanted && encounter.content->is_unwanted)
    strike(current(scope_.of(encounter.subject), encounter.now), encounter.now);
}

void PenaltyBoxModel::on_refused(Encounter& encounter, Cause cause) {
  if (counts(parameters_.trip, cause))
    strike(current(scope_.of(encounter.subject), encounter.now), encounter.now);
}

double PenaltyBoxModel::limit(const Subject& subject, Instant now) const {
  const State& state = states_.view(scope_.of(subject));
  if (is_on(state, now)) {
    if (parameters_.share >= 1) return 0;
    return parameters_.rate_inside.events == 0 ? unlimited : per_second(parameters_.rate_inside);
  }
  if (parameters_.trip.on != TripOn::messages) return unlimited;
  return static_cast<double>(parameters_.trip.count - 1) /
         (std::chrono::duration<double>(parameters_.trip.window).count() * StrikeWindow::stretch());
}

bool PenaltyBoxModel::is_penalized(const Subject& subject, Instant now) const {
  return is_on(states_.view(scope_.of(subject)), now);
}

std::uint64_t PenaltyBoxModel::trips(const Subject& subject) const {
  return states_.view(scope_.of(subject)).trips;
}

bool PenaltyBoxModel::control(Receiver::Control what, const Subject& subject, Instant now) {
  State& state = current(scope_.of(subject), now);
  if (what == Receiver::Control::trip) {
    begin(state, now);
    return true;
  }
  if (what != Receiver::Control::release) return false;
  state.is_on = false;
  state.until = now;
  state.strikes.clear();
  state.tried.clear();
  return true;
}

}  // namespace mailweir::world
