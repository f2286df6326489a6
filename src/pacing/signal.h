// What the end of an attempt says about the place it went to. Judged once, from the reply or from
// its absence (engine/judge_attempt.h); everything that learns sees only this.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/time.h"

namespace mailweir::pacing {

enum class Signal : std::uint8_t {
  accepted,          // a recipient was delivered
  answered,          // refused for the recipient's or the message's own sake: the path works
  connection_limit,  // too many connections at once
  throttled,         // too much or too fast for us: a temporary refusal of the path
  block_listed,      // refused whatever we send, until someone releases us
  silent,            // no session, or it was lost without a word
  unclear,           // a temporary refusal nobody can read
  local,             // our own trouble: says nothing
};
inline constexpr std::size_t signals = 8;
std::string_view to_string(Signal signal);

// How urgent mail is, for whoever divides a scarce path: derived from the class's priority and
// deadline.
enum class Rank : std::uint8_t { urgent, ordinary, bulk };
inline constexpr std::size_t ranks = 3;
std::string_view to_string(Rank rank);

// One message's transaction at its end, or a connection that came to none.
struct Attempt {
  Signal signal = Signal::accepted;
  Instant started{};            // when its permit was taken
  std::uint32_t in_flight = 1;  // on the path when it started, itself included
  bool first_try = true;        // the message was never put off before
  Duration wait{};              // that the peer named ("try again in ten minutes"); zero: none
};

// Who would send now if there were a permit.
struct Demand {
  std::array<bool, ranks> waiting{true, true, true};
  // A sibling cannot carry its part: nothing beyond what this path has demonstrated.
  bool carries_others = false;

  bool any() const { return waiting[0] || waiting[1] || waiting[2]; }
};

}  // namespace mailweir::pacing
