#include "world/recipient_models.h"

#include <algorithm>

namespace mailweir::world {
namespace {

// Where a mailbox stands between 0 and 1, for good.
double lot_of(std::string_view mailbox, std::uint64_t seed) {
  return static_cast<double>(mix(hash_of(mailbox) ^ seed) >> 11) * 0x1.0p-53;
}

}  // namespace

GreylistModel::GreylistModel(GreylistParameters parameters, std::uint64_t seed)
    : parameters_(std::move(parameters)), seed_(seed), triples_(parameters_.entries_max) {}

bool GreylistModel::lets_pass(Triple& triple, Instant now) const {
  const bool is_forgotten =
      triple.at == never ||
      now - triple.at > (triple.has_passed ? parameters_.known_for : parameters_.forget_after);
  if (is_forgotten) {
    triple = {.at = now, .has_passed = false};
    return parameters_.wait == Duration::zero();
  }
  if (!triple.has_passed && now - triple.at < parameters_.wait) return false;
  triple = {.at = now, .has_passed = true};
  return true;
}

Verdict GreylistModel::consider(Encounter& encounter) {
  if (parameters_.share < 1 && lot_of(encounter.mailbox, seed_) >= parameters_.share) return {};
  const std::uint64_t key =
      mix(hash_of(encounter.mailbox) ^ mix(hash_of(encounter.visit.sender_domain) ^
                                           hash_of(network_of(encounter.subject.address))));
  if (lets_pass(triples_.touch(key, Triple{}), encounter.now)) return {};
  return refuse(parameters_.reply, Cause::recipient);
}

RecipientsModel::RecipientsModel(RecipientsParameters parameters, std::uint64_t seed)
    : parameters_(std::move(parameters)), seed_(seed), random_(seed) {}

Model::Interests RecipientsModel::interests() const {
  StepSet steps = 0;
  if (parameters_.unknown + parameters_.full + parameters_.filtered + parameters_.busy > 0 ||
      parameters_.per_message > 0)
    steps |= only(Step::rcpt);
  if (parameters_.filtered > 0) steps |= only(Step::mail) | only(Step::end_of_data);
  return {.steps = steps};
}

Verdict RecipientsModel::at_rcpt(Encounter& encounter) {
  if (parameters_.per_message > 0 && encounter.visit.recipients >= parameters_.per_message)
    return refuse(parameters_.per_message_reply, Cause::none);
  const double lot = lot_of(encounter.mailbox, seed_);
  double share = parameters_.unknown;
  if (lot < share) return refuse(parameters_.unknown_reply, Cause::unknown_recipient);
  share += parameters_.full;
  if (lot < share) return refuse(parameters_.full_reply, Cause::recipient);
  share += parameters_.filtered;
  if (lot < share) encounter.mark(true);
  if (parameters_.busy > 0 && random_.unit() < parameters_.busy)
    return refuse(parameters_.busy_reply, Cause::recipient);
  return {};
}

Verdict RecipientsModel::consider(Encounter& encounter) {
  if (encounter.step == Step::rcpt) return at_rcpt(encounter);
  if (encounter.step == Step::mail) {
    encounter.mark(false);
    return {};
  }
  return encounter.is_marked() ? refuse(parameters_.filtered_reply, Cause::recipient) : Verdict{};
}

StrayModel::StrayModel(StrayParameters parameters, std::uint64_t seed)
    : parameters_(std::move(parameters)), random_(seed) {}

Model::Interests StrayModel::interests() const {
  return {.steps = parameters_.share > 0 ? only(parameters_.phase) : StepSet{0}};
}

Verdict StrayModel::consider(Encounter&) {
  if (random_.unit() >= parameters_.share) return {};
  return refuse(parameters_.manner, parameters_.reply, Cause::host);
}

VanishModel::VanishModel(VanishParameters parameters, std::uint64_t seed)
    : parameters_(parameters), random_(seed) {}

Verdict VanishModel::consider(Encounter& encounter) {
  const double share = encounter.content->is_unwanted
                           ? std::max(parameters_.share, parameters_.unwanted_share)
                           : parameters_.share;
  return {.drops_message = share > 0 && random_.unit() < share};
}

MumbleModel::MumbleModel(MumbleParameters parameters, std::uint64_t seed)
    : parameters_(std::move(parameters)), random_(seed) {}

const Wording* MumbleModel::reword(Cause cause) {
  if (cause != Cause::rate && cause != Cause::penalty) return nullptr;
  return random_.unit() < parameters_.share ? &parameters_.reply : nullptr;
}

}  // namespace mailweir::world
