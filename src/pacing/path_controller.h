// The PathController learns the hidden limit of one path (source IP × provider) from the outcomes
// alone, and says when the next message may start (docs/pacing.md).
//
// It holds at the first refusal of the path, asks with one canary at a time, ramps, remembers. The
// same machine serves a cell narrower than a path (a sender domain at a provider, an MX host) when
// a refusal names that scope.
//
// Pure: time is an argument and must not run backwards; no clock, randomness (`salt` spreads the
// canaries of paths), allocation or lock; the same calls give the same decisions on every machine.
// Rates in messages per second, counts in messages. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "pacing/signal.h"

namespace mailweir::pacing {

inline constexpr double unlimited = std::numeric_limits<double>::infinity();

// The windows in which a limit may count.
enum class Window : std::uint8_t { minute, ten_minutes, hour, day };
inline constexpr std::size_t windows = 4;

struct LearningSettings {
  double start_rate = 5.0;             // believed safe before anything is known
  double rate_max = unlimited;         // the operator's ceiling
  std::uint32_t concurrency_max = 20;  // the operator's ceiling
  std::array<double, windows> count_max{unlimited, unlimited, unlimited,
                                        unlimited};  // plan and operator
  bool grows_freely = false;  // no envelope before the first refusal: a relay of our own
  bool warming = false;       // a source without a history: smaller steps, longer holds
  std::uint32_t salt = 0;
};

enum class Mode : std::uint8_t { open, held, ramp };
enum class HoldCause : std::uint8_t { throttle, block_list, network };

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
  pause,   // two seconds after "too many connections"
  share,   // this rank's part of a scarce count is used up
};

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

struct LearnedState {
  Mode mode = Mode::open;
  HoldCause cause = HoldCause::throttle;  // of the present or last hold
  Instant since{};                        // the mode began; the episode, while held or ramping
  Instant next_canary = never;            // while held
  std::uint32_t canaries_refused = 0;     // in this episode
  std::uint32_t episodes = 0;             // ever
  Instant last_refusal{};                 // zero: none
  double pace = unlimited;                // in force
  double sustained = 0.0;                 // a rate that was carried under pressure; 0: unknown
  double refused = unlimited;             // a rate that was refused
  std::uint32_t concurrency = 0;          // that may be in flight
  std::array<double, windows> counts{};   // attempts in each window
  std::array<double, windows> demonstrated{};
  std::array<double, windows> most{};  // counts allowed
  double accepted_share = 1.0;         // of the canaries of this episode
};

class PathController {
 public:
  PathController(const LearningSettings& settings, Instant now);

  // When the next message may start, with so many in flight. `peek` only looks; `ask` is for mail
  // that waits: it moves the clockwork and notes that the path is pressed.
  Permit peek(Instant now, std::uint32_t in_flight, const Demand& demand) const;
  Permit ask(Instant now, std::uint32_t in_flight, const Demand& demand);
  // A permit was used. Every start is followed by exactly one on_end().
  void on_start(Instant now, std::uint32_t in_flight, Rank rank);
  Change on_end(Instant now, const Attempt& attempt);

  // Ceilings anew; what was learned stays.
  void set_ceilings(const LearningSettings& settings, Instant now);
  // An operator knows better: forget everything learned, as if the path were new.
  void forget(const LearningSettings& settings, Instant now);
  // A new episode begins from outside: the operator, or a diagnosis, holds the path.
  Change hold(HoldCause cause, Instant now);

  Mode mode() const;
  LearnedState state(Instant now) const;

  // A versioned image without absolute times. restore() lets `age` pass since it was taken
  // (clamped, the wall clock may have jumped): what was held comes back held. Empty: not an image
  // of a known version.
  std::string save(Instant now) const;
  static std::optional<PathController> restore(std::string_view image,
                                               const LearningSettings& settings, Duration age,
                                               Instant now);

 private:
  // …
};

}  // namespace mailweir::pacing
