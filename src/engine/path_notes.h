// PathNotes are what people are told about a path that was refused something: the last refusal
// verbatim, the episode it belongs to, the step that is being watched. Nothing here decides
// anything.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "engine/last_refusal.h"

namespace mailweir::engine {

struct PathNotes {
  struct Outcomes {
    std::uint32_t accepted = 0;
    std::uint32_t refused = 0;

    std::uint32_t all() const { return accepted + refused; }
    double refused_share() const {
      return all() == 0 ? 0.0 : static_cast<double>(refused) / static_cast<double>(all());
    }
  };

  LastRefusal last;

  Instant episode{};  // began; zero: none
  Instant opened{};   // the last one ended
  bool is_draining = false;

  Instant step_at{};  // zero: none is being watched
  double step_from = 0.0;
  double step_to = 0.0;
  Outcomes before;  // the step
  Outcomes since;
};

}  // namespace mailweir::engine
