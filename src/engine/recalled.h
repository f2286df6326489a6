// Brings back what was learned before: at the first use of a path after a restart, or when an
// operator takes back that it was forgotten. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"
#include "engine/last_refusal.h"
#include "pacing/path_controller.h"

namespace mailweir::engine {

struct Recalled {
  pacing::PathController controller;
  LastRefusal last;  // its `at` is zero: none
};

// What is known in its place now; either may be null.
struct Present {
  const pacing::PathController* controller = nullptr;
  const LastRefusal* last = nullptr;
};

// Of an image taken at `as_of`. What is held or ramps at present is held afterwards, on the cause
// of now, and no canary goes out before either's: nothing that is brought back opens what a refusal
// has shut. What was sent since the image counts. Nothing: not an image of a known version.
std::optional<Recalled> recall(std::string_view image, Instant as_of,
                               const pacing::LearningSettings& settings, const Present& present,
                               Instant now);

}  // namespace mailweir::engine
