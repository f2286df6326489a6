// What begins a penalty or a listing by itself: so many events in a time.
#pragma once

#include "world/parameters.h"
#include "world/slot_window.h"

namespace mailweir::world {

using StrikeWindow = SlotWindow<10>;

// Whether a refusal of that cause is an event of the trigger.
constexpr bool counts(const Trigger& trigger, Cause cause) {
  switch (trigger.on) {
    case TripOn::refusals:
      return cause == Cause::rate || cause == Cause::connections;
    case TripOn::unknown:
      return cause == Cause::unknown_recipient;
    case TripOn::never:
    case TripOn::messages:
    case TripOn::unwanted:
      return false;
  }
  return false;
}

constexpr bool needs_outcomes(const Trigger& trigger) {
  return trigger.on == TripOn::refusals || trigger.on == TripOn::unknown ||
         trigger.on == TripOn::unwanted;
}

}  // namespace mailweir::world
