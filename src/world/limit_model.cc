#include "world/limit_model.h"

namespace mailweir::world {

// What signed a message is known at its final dot only.
LimitModel::LimitModel(Scope scope, Step phase, Wording reply)
    : scope_(scope),
      phase_(scope == Scope::dkim ? Step::end_of_data : phase),
      reply_(std::move(reply)) {}

Model::Interests LimitModel::interests() const {
  const bool is_early = phase_ < Step::mail;
  return {.steps = static_cast<StepSet>(only(phase_) | (is_early ? only(Step::mail) : 0))};
}

Verdict LimitModel::consider(Encounter& encounter) {
  if (encounter.has_reserved()) return {};  // a further recipient
  const std::uint32_t slot = scope_.of(encounter);
  if (slot == no_slot) return {};
  Spell& spell = spells_.at(slot);
  if (has_room({encounter.subject, slot, encounter.now}, spell.in_flight)) {
    if (encounter.step < Step::mail) return {};
    ++spell.in_flight;
    encounter.reserve();
    return {};
  }
  if (!spell.is_refusing) ++spell.trips;
  spell.is_refusing = true;
  return refuse(reply_, Cause::rate);
}

void LimitModel::settle(Encounter& encounter, bool accepted) {
  const std::uint32_t slot = scope_.of(encounter);
  Spell& spell = spells_.at(slot);
  --spell.in_flight;
  if (!accepted) return;
  use({encounter.subject, slot, encounter.now});
  spell.is_refusing = false;
}

double LimitModel::limit(const Subject& subject, Instant now) const {
  return scope_.is_by_domain() ? unlimited : sustained({subject, scope_.of(subject), now});
}

double LimitModel::room(const Subject& subject, Duration span, Instant now) const {
  if (scope_.is_by_domain()) return unlimited;
  if (const std::optional<double> rest = left({subject, scope_.of(subject), now})) return *rest;
  return Model::room(subject, span, now);
}

void LimitModel::take(const Subject& subject, std::uint64_t messages, Instant now) {
  if (!scope_.is_by_domain()) use_many({subject, scope_.of(subject), now}, messages);
}

std::uint64_t LimitModel::trips(const Subject& subject) const {
  const std::uint32_t slot = scope_.of(subject);
  return slot == no_slot ? 0 : spells_.view(slot).trips;
}

}  // namespace mailweir::world
