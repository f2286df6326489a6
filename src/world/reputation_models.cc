#include "world/reputation_models.h"

#include <algorithm>

namespace mailweir::world {
namespace {

constexpr Duration day_length = 24h;

std::int64_t number_of(Duration length, Instant start, Instant now) {
  return (now - start).count() / length.count();
}

}  // namespace

ReputationModel::ReputationModel(ReputationParameters parameters, Instant start)
    : LimitModel(Scope::ip, parameters.phase, parameters.reply),
      parameters_(std::move(parameters)),
      start_(start) {}

Model::Interests ReputationModel::interests() const {
  Interests interests = LimitModel::interests();
  interests.outcomes = true;
  return interests;
}

// What the day behind earns. A day without mail earns nothing and costs nothing.
double ReputationModel::judged(const State& state) const {
  const double used = state.used;
  const double refused = state.refused;
  if (used + refused + state.unknown == 0) return state.limit;
  const bool is_bad = refused > parameters_.bad_refused * (used + refused) ||
                      state.unknown > parameters_.bad_unknown * (used + state.unknown) ||
                      state.unwanted > parameters_.bad_unwanted * used;
  if (is_bad)
    return std::max(static_cast<double>(parameters_.least), state.limit * parameters_.shrink);
  const bool is_good = used >= parameters_.used_share * state.limit &&
                       refused <= parameters_.good_refused * (used + refused);
  if (!is_good) return state.limit;
  return std::min(static_cast<double>(parameters_.most), state.limit * parameters_.growth);
}

void ReputationModel::turn_to(State& state, const Subject& subject, Instant now) const {
  const std::int64_t day = number_of(day_length, start_, now);
  const std::int64_t hour = number_of(1h, start_, now);
  const std::int64_t days_of_memory = parameters_.forget_after / day_length;
  if (state.limit == 0 || (day != state.day && day - state.day > days_of_memory)) {
    const bool is_known = state.limit == 0 && !parameters_.cold.contains(subject.address);
    state = {.limit = static_cast<double>(is_known ? parameters_.most : parameters_.first)};
  } else if (day != state.day) {
    state = {.limit = judged(state)};
  } else if (hour != state.hour) {
    state.used_this_hour = 0;
  }
  state.day = day;
  state.hour = hour;
}

ReputationModel::State& ReputationModel::current(const Subject& subject, Instant now) {
  State& state = states_.at(subject.source);
  turn_to(state, subject, now);
  return state;
}

double ReputationModel::hour_limit(const State& state) const {
  return std::max(1.0, state.limit * parameters_.hour_share);
}

bool ReputationModel::has_room(const Asking& asking, std::uint32_t in_flight) {
  const State& state = current(asking.subject, asking.now);
  const double wanted = in_flight + 1.0;
  return state.used + wanted <= state.limit && state.used_this_hour + wanted <= hour_limit(state);
}

void ReputationModel::use(const Asking& asking) {
  State& state = current(asking.subject, asking.now);
  ++state.used;
  ++state.used_this_hour;
}

void ReputationModel::on_accepted(Encounter& encounter) {
  if (encounter.content->is_unwanted) ++current(encounter.subject, encounter.now).unwanted;
}

void ReputationModel::on_refused(Encounter& encounter, Cause cause) {
  if (cause == Cause::rate || cause == Cause::penalty)
    ++current(encounter.subject, encounter.now).refused;
  if (cause == Cause::unknown_recipient) ++current(encounter.subject, encounter.now).unknown;
}

double ReputationModel::sustained(const Asking& asking) const {
  State state = states_.view(asking.slot);
  turn_to(state, asking.subject, asking.now);
  constexpr double seconds_a_day = 86'400;
  return std::min(state.limit, 24 * hour_limit(state)) / seconds_a_day;
}

std::optional<double> ReputationModel::left(const Asking& asking) const {
  State state = states_.view(asking.slot);
  turn_to(state, asking.subject, asking.now);
  return std::max(0.0,
                  std::min(state.limit - state.used, hour_limit(state) - state.used_this_hour));
}

void ReputationModel::use_many(const Asking& asking, std::uint64_t messages) {
  State& state = current(asking.subject, asking.now);
  state.used += static_cast<std::uint32_t>(messages);
  state.used_this_hour += static_cast<std::uint32_t>(messages);
}

NewIpModel::NewIpModel(NewIpParameters parameters, std::uint64_t seed, Instant start)
    : parameters_(std::move(parameters)), random_(seed), start_(start) {}

Model::Interests NewIpModel::interests() const {
  return {.steps = static_cast<StepSet>(only(Step::mail) | only(parameters_.phase))};
}

bool NewIpModel::is_known(const State& state, const Subject& subject) const {
  return state.days >= parameters_.days || !parameters_.cold.contains(subject.address);
}

void NewIpModel::count_try(State& state, Instant now) const {
  const std::int64_t day = number_of(day_length, start_, now);
  if (day != state.day) {
    state.day = day;
    state.tried = 0;
  }
  if (++state.tried == parameters_.day_count) ++state.days;
}

// A phase before MAIL counts sessions, as there is nothing else to count when all are refused.
Verdict NewIpModel::consider(Encounter& encounter) {
  State& state = states_.at(encounter.subject.source);
  const bool is_known_now = is_known(state, encounter.subject);
  const Step decides_at = std::min(Step::mail, parameters_.phase);
  if (encounter.step == decides_at) {
    encounter.mark(!is_known_now && (parameters_.share >= 1 || random_.unit() < parameters_.share));
    if (!is_known_now) count_try(state, encounter.now);
  }
  if (encounter.step != parameters_.phase || !encounter.is_marked()) return {};
  state.was_refused = true;
  return refuse(parameters_.reply, Cause::penalty);
}

double NewIpModel::limit(const Subject& subject, Instant) const {
  const bool is_shut = parameters_.share >= 1 && !is_known(states_.view(subject.source), subject);
  return is_shut ? 0 : unlimited;
}

std::uint64_t NewIpModel::trips(const Subject& subject) const {
  return states_.view(subject.source).was_refused ? 1 : 0;
}

}  // namespace mailweir::world
