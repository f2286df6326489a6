// One run of a case in virtual time: by a PathController for each source, or by the ideal sender
// against a receiver that has the same noise and no limits.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "pacing/signal.h"
#include "pacing_lab_case.h"

namespace mailweir::lab {

struct Figures {
  std::uint64_t offered = 0;
  std::uint64_t delivered = 0;
  std::uint64_t attempts = 0;
  std::uint64_t wasted = 0;                 // attempts that the path refused
  std::uint64_t trips = 0;                  // episodes
  double area = 0;                          // under the delivered curve, message seconds
  double held_share = 0;                    // of the time, mean of the sources
  std::array<double, pacing::ranks> p99{};  // delay, seconds
  double controller_ns = 0;                 // per attempt, all calls
};

Figures run_learning(Case& c, bool traces);
Figures run_ideal(Case& c);

}  // namespace mailweir::lab
