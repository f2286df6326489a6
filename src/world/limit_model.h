// A LimitModel lets messages pass while there is room under a limit, and refuses the rest at its
// phase: what buckets, windows and quotas have in common.
//
// Room is reserved when the message asks and used up when it is accepted; given back otherwise. A
// refusal spell begins with the first refusal after an accepted message: trips() counts spells.
#pragma once

#include "world/model.h"
#include "world/parameters.h"
#include "world/scope_slots.h"

namespace mailweir::world {

class LimitModel : public Model {
 public:
  LimitModel(Scope scope, Step phase, Wording reply);

  Interests interests() const final { return {.steps = only(phase_)}; }
  Verdict consider(Encounter& encounter) final;
  void settle(Encounter& encounter, bool accepted) final;
  double limit(const Subject& subject, Instant now) const final;
  std::uint64_t trips(const Subject& subject) const final;

 protected:
  virtual bool has_room(std::uint32_t slot, std::uint32_t in_flight, Instant now) = 0;
  virtual void use(std::uint32_t slot, Instant now) = 0;
  virtual double sustained(Instant now) const = 0;  // messages a second

 private:
  struct Spell {
    std::uint32_t in_flight = 0;
    std::uint32_t trips = 0;
    bool is_refusing = false;
  };

  ScopeSlots scope_;
  Step phase_;
  Wording reply_;
  PerSlot<Spell> spells_{Spell{}};
};

}  // namespace mailweir::world
