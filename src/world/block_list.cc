#include <algorithm>

#include "world/penalty_models.h"

namespace mailweir::world {

BlockListModel::BlockListModel(BlockListParameters parameters, Instant start)
    : parameters_(std::move(parameters)), start_(start), scope_(parameters_.scope) {}

Model::Interests BlockListModel::interests() const {
  return {.steps = only(parameters_.phase), .outcomes = needs_outcomes(parameters_.trip)};
}

void BlockListModel::enlist(State& state, Instant when) const {
  if (when >= state.until) ++state.trips;
  state.until = parameters_.length == Duration::zero() ? never : when + parameters_.length;
  state.strikes.clear();
}

bool BlockListModel::is_newly_listed(const Subject& subject, Instant now) const {
  return is_looked_up_.view(subject.source) == 0 && now >= start_ + parameters_.listed_at &&
         parameters_.listed.contains(subject.address);
}

BlockListModel::State& BlockListModel::current(const Subject& subject, Instant now) {
  State& state = states_.at(scope_.of(subject));
  if (is_newly_listed(subject, now)) enlist(state, start_ + parameters_.listed_at);
  if (now >= start_ + parameters_.listed_at) is_looked_up_.at(subject.source) = 1;
  return state;
}

Verdict BlockListModel::consider(Encounter& encounter) {
  if (encounter.now >= current(encounter.subject, encounter.now).until) return {};
  return refuse(parameters_.manner, parameters_.reply, Cause::block);
}

void BlockListModel::strike(State& state, Instant now) const {
  if (now < state.until) return;
  state.strikes.add(parameters_.trip.window, start_, now);
  if (state.strikes.count(parameters_.trip.window, start_, now) >= parameters_.trip.count)
    enlist(state, now);
}

void BlockListModel::on_accepted(Encounter& encounter) {
  if (parameters_.trip.on == TripOn::unwanted && encounter.content->is_unwanted)
    strike(current(encounter.subject, encounter.now), encounter.now);
}

void BlockListModel::on_refused(Encounter& encounter, Cause cause) {
  if (counts(parameters_.trip, cause))
    strike(current(encounter.subject, encounter.now), encounter.now);
}

double BlockListModel::limit(const Subject& subject, Instant now) const {
  return is_penalized(subject, now) ? 0 : unlimited;
}

bool BlockListModel::is_penalized(const Subject& subject, Instant now) const {
  State state = states_.view(scope_.of(subject));
  if (is_newly_listed(subject, now)) enlist(state, start_ + parameters_.listed_at);
  return now < state.until;
}

std::uint64_t BlockListModel::trips(const Subject& subject) const {
  return states_.view(scope_.of(subject)).trips;
}

bool BlockListModel::control(Receiver::Control what, const Subject& subject, Instant now) {
  State& state = current(subject, now);
  if (what == Receiver::Control::trip) {
    enlist(state, now);
    return true;
  }
  if (what != Receiver::Control::release) return false;
  if (now < state.until) state.until = std::min(state.until, now + parameters_.delist_after);
  return true;
}

}  // namespace mailweir::world
