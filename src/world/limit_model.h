// A LimitModel lets messages pass while there is room under a limit, and refuses the rest at its
// phase: what buckets, windows and quotas have in common.
//
// With a phase before MAIL there is nothing to reserve for yet: the session is refused there when
// there is no room, and a message at MAIL.
//
// Room is reserved when the message asks and used up when it is accepted; given back otherwise. A
// refusal spell begins with the first refusal after an accepted message: trips() counts spells.
#pragma once

#include <optional>

#include "world/model.h"
#include "world/parameters.h"
#include "world/scope_slots.h"

namespace mailweir::world {

class LimitModel : public Model {
 public:
  LimitModel(Scope scope, Step phase, Wording reply);

  Interests interests() const override;
  Verdict consider(Encounter& encounter) final;
  void settle(Encounter& encounter, bool accepted) final;
  double limit(const Subject& subject, Instant now) const final;
  double room(const Subject& subject, Duration span, Instant now) const final;
  void take(const Subject& subject, std::uint64_t messages, Instant now) final;
  std::uint64_t trips(const Subject& subject) const final;

 protected:
  // Whose count, and when.
  struct Asking {
    const Subject& subject;
    std::uint32_t slot;  // no_slot from sustained() alone: never seen
    Instant now;
  };

  virtual bool has_room(const Asking& asking, std::uint32_t in_flight) = 0;
  virtual void use(const Asking& asking) = 0;
  virtual double sustained(const Asking& asking) const = 0;  // messages a second
  // For limits that count: what is left, and so many of it used up at once. With a `slot` of
  // no_slot as for sustained().
  virtual std::optional<double> left(const Asking&) const { return std::nullopt; }
  virtual void use_many(const Asking&, std::uint64_t /*messages*/) {}

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
