// What goes into a PathController and what it says: settings, permits, changes, the state it has
// learned. Values. Rates in messages per second, counts in messages.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

#include "base/time.h"
#include "pacing/signal.h"
#include "pacing/window.h"

namespace mailweir::pacing {

inline constexpr double unlimited = std::numeric_limits<double>::infinity();

struct LearningSettings {
  double start_rate = 5.0;             // believed safe before anything is known
  double rate_max = unlimited;         // the operator's ceiling
  std::uint32_t concurrency_max = 20;  // the operator's ceiling
  std::array<double, long_windows> count_max{unlimited, unlimited};  // plan and operator
  bool grows_freely = false;  // no envelope before the first refusal: a relay of our own
  bool warming = false;       // a source without a history: smaller steps, longer holds
  std::uint32_t salt = 0;
};

enum class Mode : std::uint8_t { open, held, ramp };
enum class HoldCause : std::uint8_t { throttle, block_list, network };
std::string_view to_string(Window window);
std::string_view to_string(Mode mode);
std::string_view to_string(HoldCause cause);

// What keeps the next message from starting now, or kept the pace down.
enum class Binding : std::uint8_t {
  none,
  pace,          // the learned rate
  minute_count,  // growth over what is demonstrated, or a known limit, in that window
  ten_minute_count,
  hour_count,
  day_count,
  concurrency,
  hold,    // held: until the next canary
  canary,  // one is on its way
  ramp,    // verifying after a hold
  share,   // this rank's part of a scarce count is used up
};
std::string_view to_string(Binding binding);

struct Permit {
  Instant at{};  // `now` or earlier: at once; `never`: when something in flight has ended
  Rank lowest = Rank::bulk;  // what is less urgent than this may not start
  Binding binding = Binding::none;
};

// What an outcome has changed, for those who tell people.
enum class Change : std::uint8_t {
  none,
  held,        // a new episode began
  held_again,  // a relapse while ramping, or soon after
  canary_refused,
  released,  // a canary was accepted: ramping
  opened,    // verified: open
  concurrency_cut,
};
std::string_view to_string(Change change);

// A canary, or a round of the ramp, of which nothing is heard is taken for lost.
inline constexpr Duration canary_lease = std::chrono::minutes(10);

struct LearnedState {
  Mode mode = Mode::open;
  HoldCause cause = HoldCause::throttle;  // of the present or last hold
  Instant since{};                        // the mode began; the episode, while held or ramping
  Instant next_canary = never;            // while held; at the latest, while one is on its way
  std::uint32_t canaries_refused = 0;     // in this episode
  std::uint32_t episodes = 0;             // ever
  Instant last_refusal{};                 // zero: none
  double pace = unlimited;                // in force
  double sustained = 0.0;                 // a rate that was carried under pressure; 0: unknown
  double refused = unlimited;             // a rate that was refused
  std::uint32_t concurrency = 0;          // that may be in flight
  std::uint32_t connections = 0;          // that may be held at once; the greatest: no bound
  std::array<double, windows> counts{};   // attempts in each window
  std::array<double, windows> demonstrated{};
  std::array<double, windows> most{};  // counts allowed
  double accepted_share = 1.0;         // of the canaries of this episode
  double hour_rate = 0.0;  // that this hour of an earlier day carried under pressure; 0: unknown
  double own_pace = unlimited;  // as `pace`, without the operator's ceiling
  bool is_pace_learned =
      false;  // from a refusal; else it is what the path starts from, or has grown to
};

}  // namespace mailweir::pacing
