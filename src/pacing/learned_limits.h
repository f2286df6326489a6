// LearnedLimits is what a path believes about its hidden limit: counts that were demonstrated safe,
// counts that were refused, and a bracket round the rate. A value: a copy is kept at a trip, so
// that the same trip can be judged anew when its hold turns out longer.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "pacing/path_time.h"
#include "pacing/window.h"

namespace mailweir::pacing {

inline constexpr float unknown = std::numeric_limits<float>::infinity();

struct LearnedLimits {
  std::array<float, long_windows> refused_counts{unknown, unknown};
  float pace = unknown;          // in force; unknown: only the envelope bounds the rate
  float sustained = 0;           // was carried under pressure
  float refused_pace = unknown;  // was refused
  float probe_messages = 0;      // between two probes upwards
  float hourly = 0;              // the count of an hour that trips agreed on; 0: none

  bool has_pace() const { return pace < unknown; }
  // The whole bracket round the rate.
  void scale(float factor) {
    pace *= factor;
    sustained *= factor;
    refused_pace *= factor;
  }

  template <class Archive>
  void archive(Archive& a) {
    a(refused_counts), a(pace), a(sustained), a(refused_pace), a(probe_messages);
    a(hourly);
  }
};

// What is known of a trip when it happens.
struct TripFacts {
  std::array<float, windows> counts{};
  float pace = 0;              // in force then
  float since_last = 0;        // seconds since the trip before it
  std::uint32_t accepted = 0;  // since then
  bool was_pressed = false;    // nearly all of that time mail waited for the pace
  bool was_probing = false;    // the pace had been probed upwards
  bool is_first = false;       // there was none before: since_last is the age of the path
  bool is_unclear = false;     // told by statistics of replies nobody can read

  template <class Archive>
  void archive(Archive& a) {
    a(counts), a(pace), a(since_last), a(accepted), a(was_pressed), a(was_probing),
        a(is_first, is_unclear);
  }
};

// … and of its hold, once a canary was accepted.
struct HoldFacts {
  double length = 0;                   // seconds since the episode began
  std::uint32_t canaries_refused = 0;  // or ramps
  std::uint32_t canaries_accepted = 0;
  double usual_length = 0;  // of the path's holds
  PathSecond began{};
  PathSecond last_outside{long_ago};  // when a trip began that nothing of ours explains
  bool is_careful = false;            // a box was met here not long ago
  bool is_warming = false;
  double believed_rate = 0;  // from the start
};

}  // namespace mailweir::pacing
