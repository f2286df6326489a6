// The PathController learns the hidden limit of one path (source IP × provider) from the outcomes
// alone, and says when the next message may start (docs/pacing.md).
//
// It holds at the first refusal of the path, asks with one canary at a time, ramps, remembers. The
// same machine serves a cell narrower than a path (a sender domain at a provider) when
// a refusal names that scope.
//
// Pure: time is an argument and must not run backwards; no clock, randomness (`salt` spreads the
// canaries of paths), allocation or lock; the same calls give the same decisions on every machine.
// Rates in messages per second, counts in messages. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "pacing/attribution.h"
#include "pacing/canary_record.h"
#include "pacing/concurrency_limit.h"
#include "pacing/hourly_memory.h"
#include "pacing/learned_limits.h"
#include "pacing/learning.h"
#include "pacing/signal.h"
#include "pacing/suspicion.h"
#include "pacing/window.h"
#include "pacing/window_counts.h"

namespace mailweir::pacing {

class PathController {
 public:
  PathController(const LearningSettings& settings, Instant now);

  // When the next message may start, with so many in flight. `peek` only looks; `ask` is for mail
  // that waits: it moves the clockwork and notes that the path is pressed.
  Permit peek(Instant now, std::uint32_t in_flight, const Demand& demand) const;
  Permit ask(Instant now, std::uint32_t in_flight, const Demand& demand);
  // A permit was used. Every start is followed by exactly one on_end().
  void on_start(Instant now);
  Change on_end(Instant now, const Attempt& attempt);

  // Ceilings anew; what was learned stays.
  void set_ceilings(const LearningSettings& settings, Instant now);
  // An operator knows better: forget everything learned, as if the path were new.
  void forget(const LearningSettings& settings, Instant now);
  // Takes a rate for shown, as if it had been carried for a day: of a cell that begins in the midst
  // of things.
  void assume_shown(double rate);
  // A new episode begins from outside: the operator, or a diagnosis, holds the path.
  Change hold(HoldCause cause, Instant now);
  // While held: no canary goes out before that.
  void rest_until(Instant at);
  // Another has stood for the path since this one's image was taken. What was sent with it is
  // counted here, too; while it is held or ramps this is held afterwards, on its cause and since
  // its episode began, with no canary before its own and no shorter holds. Its limits and its hours
  // are not taken over.
  void succeed(const PathController& present, Instant now);

  Mode mode() const;
  bool has_accepted_canary() const { return canaries_.accepted() > 0; }  // in this episode
  // Connections that may be held at once: idle ones count at the peer too.
  std::uint32_t connections_most() const;
  bool were_connections_refused() const { return concurrency_.was_refused(); }
  // Mail waits for a connection, and all of connections_most() are in use.
  void note_connections_short(Instant now);
  LearnedState state(Instant now) const;

  // A versioned image without absolute times. restore() lets `age` pass since it was taken
  // (clamped, the wall clock may have jumped): what was held comes back held. Empty: not an image
  // of a known version.
  std::string save(Instant now) const;
  static std::optional<PathController> restore(std::string_view image,
                                               const LearningSettings& settings, Duration age,
                                               Instant now);

 private:
  struct Ceilings {
    float rate = unknown;
    std::array<float, long_windows> counts{};
    std::uint32_t concurrency = 0;
    float start_rate = 0;
    std::uint32_t salt = 0;
    bool grows_freely = false;
    bool warming = false;

    bool operator==(const Ceilings&) const = default;
  };
  // A count that is demonstrated once no trip has followed for a while.
  struct Candidate {
    float count = 0;
    PathSecond since{};
  };
  static Ceilings ceilings_of(const LearningSettings& settings);
  PathTime path_time(Instant now) const;
  Instant instant(PathTime time) const;

  // What may start (path_permits.cc).
  Permit decide(PathTime now, std::uint32_t in_flight, const Demand& demand) const;
  Permit held_permit(PathTime now, std::uint32_t in_flight, const Demand& demand) const;
  Permit ramp_permit(PathTime now, std::uint32_t in_flight, const Demand& demand) const;
  Permit open_permit(PathTime now, std::uint32_t in_flight, const Demand& demand) const;
  void bind_counts(PathTime now, const Demand& demand, Permit& permit) const;
  double believed(std::size_t window) const;
  double most(std::size_t window) const;
  double most_lent(std::size_t window) const;
  double pace() const;
  double own_pace() const;  // without the operator's ceiling
  double burst_pace() const;
  static constexpr double burst = 3.0;  // messages ahead of the pace
  static constexpr std::uint8_t doublings_max = 100;
  bool grows_unbound() const { return ceilings_.grows_freely && episodes_ == 0; }

  // What time brings (path_clockwork.cc).
  void tick(PathTime now);
  void confirm_counts(PathSecond now);
  void age_refused_counts(PathSecond now);
  void follow_day(PathSecond since, PathSecond now);
  void probe_upwards(PathTime now, PathSecond elapsed);
  bool is_pace_used(PathTime now) const;
  void note_pressure(PathTime now, const Permit& permit);
  void schedule_probe(PathSecond now);
  double expected_hold(PathSecond now) const;

  // What outcomes teach (path_outcomes.cc).
  Change on_canary_end(PathTime now, const Attempt& attempt);
  Change on_accepted(PathTime now);
  Change on_unclear(PathTime now, const Attempt& attempt);
  Suspicion::Lesson lesson(PathSecond now) const;
  Change on_connection_limit(PathTime now, const Attempt& attempt);
  Change refuse_canary(PathTime now, Duration named);
  Change trip(PathTime now, HoldCause cause, Duration named, bool is_unclear);
  void begin_episode(PathTime now, bool is_unclear);
  Change release(PathTime now);
  Change open(PathTime now);
  void judge(PathTime now, double length);
  void double_hold();
  void stay_shut(const PathController& present, Instant now);
  void hold_for(PathTime now, double seconds, Duration named);
  double hold_seconds(PathTime now) const;
  double refusals_today(PathSecond now) const;
  void note_hold(double length);
  double usual_hold() const;
  float pace_used(PathTime now) const;
  bool refusals_abound(PathTime now) const;
  double episode_seconds(PathTime now) const { return in_seconds(now - episode_at_); }

  template <class Self, class Archive>
  static void archive(Self& self, Archive& a);
  bool is_sound(PathTime now) const;

  Instant origin_;  // path times count from here
  Ceilings ceilings_;
  WindowCounts attempts_;
  LearnedLimits limits_;
  LearnedLimits before_;  // the episode: it is judged anew when it lasts
  std::array<float, windows> demonstrated_{};
  std::array<Candidate, windows> candidates_{};
  std::array<PathSecond, long_windows> count_try_at_{};
  std::array<PathSecond, long_windows> count_binding_until_{long_ago, long_ago};
  HourlyPattern pattern_;
  Suspicion suspicion_;
  ConcurrencyLimit concurrency_;
  CanaryRecord canaries_;
  TripFacts trip_;
  PathSecond trickle_at_{};  // while held

  // The present or last episode.
  PathTime episode_at_{};
  PathTime fresh_since_{};  // what started before is no evidence
  // While held, when the last canary started; else, when there were "too many connections".
  PathTime watched_since_{};
  std::array<float, 3> holds_{};  // seconds, the latest first; 0: none
  float last_hold_ = 0;
  PathSecond opened_at_{long_ago};
  PathSecond careful_until_{long_ago};  // a box was met here,
  float box_hold_ = 0;                  // so long, 0: not of our doing,
  float box_silence_ = 0;               // and so much silence ended it
  float refusals_ = 0;                  // of the last day, fading

  // The rate.
  float resume_share_ = 1;  // of the pace, after a long hold
  PathTime next_start_{};   // by the pace; while held, the next canary
  PathSecond resume_at_{};
  PathSecond probe_at_{};            // the pace may be probed upwards from here on
  PathSecond outside_at_{long_ago};  // the last trip that nothing of ours explains
  PathSecond pressed_until_{long_ago};
  PathSecond last_tick_{};
  PathSecond last_refusal_{long_ago};
  std::uint32_t accepted_ = 0;  // or answered, since the last trip
  std::uint32_t episodes_ = 0;

  HourlyMemory hours_;
  SecondsSum tested_;   // pressed, at the present pace
  SecondsSum pressed_;  // since the last trip
  SecondsSum held_;     // since the last trip

  std::array<std::uint8_t, long_windows> count_steps_{};
  Mode mode_ = Mode::open;
  HoldCause cause_ = HoldCause::throttle;
  std::uint8_t doublings_ = 0;  // of the hold
  std::uint8_t doublings_at_open_ = 0;
  std::uint8_t round_ = 0, round_started_ = 0, round_accepted_ = 0;  // of the ramp
  std::uint8_t verified_ = 0;
  std::uint8_t probe_steps_ = 0;
  bool is_canary_out_ = false;
  bool was_probed_ = false;
  bool is_start_refuted_ = false;    // a hold has shown that `start_rate` is not to be believed
  bool is_apart_ = false;            // the last hold tells nothing of what a refused rate costs
  std::uint8_t trips_in_a_row_ = 0;  // little time between them
  std::uint8_t openings_ = 0;        // after the present or last hold
};
static_assert(sizeof(PathController) <= 512);

}  // namespace mailweir::pacing
