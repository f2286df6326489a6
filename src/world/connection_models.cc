#include "world/connection_models.h"

#include <algorithm>

namespace mailweir::world {

ConnectionsModel::ConnectionsModel(ConnectionsParameters parameters)
    : parameters_(std::move(parameters)), scope_(parameters_.scope) {}

Model::Interests ConnectionsModel::interests() const {
  return {.steps = only(parameters_.phase), .connections = true};
}

// At connect the newcomer is not counted yet; later those that came too many are marked, and pass
// once others have left.
Verdict ConnectionsModel::consider(Encounter& encounter) {
  State& state = states_.at(scope_.of(encounter.subject));
  const bool is_excess = encounter.step == Step::connect
                             ? state.open >= parameters_.connections
                             : encounter.is_marked() && state.open > parameters_.connections;
  if (!is_excess) {
    encounter.mark(false);
    state.is_refusing = false;
    return {};
  }
  if (!state.is_refusing) ++state.trips;
  state.is_refusing = true;
  return refuse(parameters_.reply, Cause::connections);
}

void ConnectionsModel::on_connected(Encounter& encounter) {
  State& state = states_.at(scope_.of(encounter.subject));
  ++state.open;
  encounter.mark(state.open > parameters_.connections);
}

void ConnectionsModel::on_left(Encounter& encounter) {
  --states_.at(scope_.of(encounter.subject)).open;
}

double ConnectionsModel::limit(const Subject&, Instant) const {
  return parameters_.carries.events == 0 ? unlimited : per_second(parameters_.carries);
}

std::uint64_t ConnectionsModel::trips(const Subject& subject) const {
  return states_.view(scope_.of(subject)).trips;
}

ConnectionRateModel::ConnectionRateModel(ConnectionRateParameters parameters, Instant start)
    : parameters_(std::move(parameters)),
      scope_(parameters_.scope),
      states_(State{.level = {.level = parameters_.burst * BucketLevel::one, .updated = start}}) {}

Model::Interests ConnectionRateModel::interests() const {
  return {.steps = only(Step::connect), .connections = true};
}

Verdict ConnectionRateModel::consider(Encounter& encounter) {
  State& state = states_.at(scope_.of(encounter.subject));
  state.level.refill(parameters_.rate, parameters_.burst, encounter.now);
  if (state.level.level >= BucketLevel::one) {
    state.is_refusing = false;
    return {};
  }
  if (!state.is_refusing) ++state.trips;
  state.is_refusing = true;
  return refuse(parameters_.manner, parameters_.reply, Cause::connections);
}

void ConnectionRateModel::on_connected(Encounter& encounter) {
  states_.at(scope_.of(encounter.subject)).level.level -= BucketLevel::one;
}

std::uint64_t ConnectionRateModel::trips(const Subject& subject) const {
  return states_.view(scope_.of(subject)).trips;
}

SessionLengthModel::SessionLengthModel(SessionLengthParameters parameters)
    : parameters_(std::move(parameters)) {}

Model::Interests SessionLengthModel::interests() const {
  return {.steps = only(Step::mail)};
}

Verdict SessionLengthModel::consider(Encounter& encounter) {
  if (encounter.visit.messages < parameters_.messages) return {};
  return refuse(parameters_.manner, parameters_.reply, Cause::none);
}

}  // namespace mailweir::world
