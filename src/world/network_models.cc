#include "world/network_models.h"

#include <algorithm>

namespace mailweir::world {
namespace {

Verdict silently(Answer::Kind kind) {
  return {.kind = kind, .cause = Cause::block};
}

}  // namespace

NetworkBlockModel::NetworkBlockModel(NetworkBlockParameters parameters, Instant start)
    : parameters_(std::move(parameters)), start_(start), may_block_(!parameters_.blocked.empty()) {}

bool NetworkBlockModel::is_on(const State& state, const Subject& subject, Instant now) const {
  switch (state.hand) {
    case Hand::blocks:
      return true;
    case Hand::unblocks:
      return false;
    case Hand::none:
      break;
  }
  if (now < start_ + parameters_.from) return false;
  if (parameters_.until > Duration::zero() && now >= start_ + parameters_.until + state.extension)
    return false;
  return parameters_.blocked.contains(subject.address);
}

// What a packet filter does, it does to open sessions too.
Verdict NetworkBlockModel::at_step(Step step) const {
  switch (parameters_.fault) {
    case NetworkFault::drop_syn:
      return silently(Answer::Kind::silence);
    case NetworkFault::refuse:
      return silently(Answer::Kind::reset);
    case NetworkFault::close:
      return step == Step::connect ? silently(Answer::Kind::close) : Verdict{};
    case NetworkFault::slow_banner:
      return {.delay = step == Step::connect ? parameters_.delay : Duration::zero()};
    case NetworkFault::cut_ehlo:
      return step == Step::ehlo ? silently(Answer::Kind::reset) : Verdict{};
    case NetworkFault::cut_mail:
      return step == Step::mail ? silently(Answer::Kind::reset) : Verdict{};
    case NetworkFault::cut_data:
      return step == Step::data ? silently(Answer::Kind::reset) : Verdict{};
    case NetworkFault::mute_ehlo:
      return step == Step::ehlo ? silently(Answer::Kind::silence) : Verdict{};
    case NetworkFault::tarpit:
      return {.delay = parameters_.delay};
    case NetworkFault::cut_tls:
      return step == Step::tls ? silently(Answer::Kind::close) : Verdict{};
  }
  return {};
}

Verdict NetworkBlockModel::consider(Encounter& encounter) {
  if (!may_block_) return {};
  State& state = states_.at(encounter.subject.source);
  if (!is_on(state, encounter.subject, encounter.now)) {
    state.was_on = false;
    return {};
  }
  if (!state.was_on) ++state.trips;
  state.was_on = true;
  if (encounter.step == Step::connect)
    state.extension =
        std::min(parameters_.extension_max, state.extension + parameters_.per_attempt);
  return at_step(encounter.step);
}

double NetworkBlockModel::limit(const Subject& subject, Instant now) const {
  // A slow peer is one that delivers, and who may not use TLS may do without.
  const bool stops = parameters_.fault != NetworkFault::slow_banner &&
                     parameters_.fault != NetworkFault::tarpit &&
                     parameters_.fault != NetworkFault::cut_tls;
  return stops && is_penalized(subject, now) ? 0 : unlimited;
}

bool NetworkBlockModel::is_penalized(const Subject& subject, Instant now) const {
  return is_on(states_.view(subject.source), subject, now);
}

std::uint64_t NetworkBlockModel::trips(const Subject& subject) const {
  return states_.view(subject.source).trips;
}

bool NetworkBlockModel::control(Receiver::Control what, const Subject& subject, Instant) {
  if (what != Receiver::Control::block_network && what != Receiver::Control::unblock_network)
    return false;
  may_block_ = true;
  states_.at(subject.source).hand =
      what == Receiver::Control::block_network ? Hand::blocks : Hand::unblocks;
  return true;
}

OutageModel::OutageModel(OutageParameters parameters, Instant start)
    : parameters_(std::move(parameters)), start_(start) {}

Model::Interests OutageModel::interests() const {
  return {.steps = only(Step::connect)};
}

Verdict OutageModel::consider(Encounter& encounter) {
  const bool is_over =
      parameters_.until > Duration::zero() && encounter.now >= start_ + parameters_.until;
  if (is_over || encounter.now < start_ + parameters_.from) return {};
  if (std::ranges::find(parameters_.hosts, encounter.visit.host) == parameters_.hosts.end())
    return {};
  return refuse(parameters_.manner, parameters_.reply, Cause::host);
}

Verdict TarpitModel::consider(Encounter& encounter) {
  if (encounter.step == Step::connect) return {.delay = parameters_.banner};
  const Duration grown = parameters_.command + parameters_.per_message * encounter.visit.messages;
  return {.delay = std::min(parameters_.command_max, grown)};
}

}  // namespace mailweir::world
