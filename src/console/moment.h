// How the ports of the console answer, and how the engine's instants become times for people.
#pragma once

#include <functional>
#include <optional>

#include "base/result.h"
#include "base/time.h"

namespace mailweir::console {

template <class T>
using Done = std::function<void(Result<T>)>;

// One reading of both clocks, taken with the answer it travels with: turns the engine's instants
// into times for people.
struct Moment {
  Instant now{};
  UnixTime wall{};

  // Empty for `never` and for the zero instant.
  std::optional<UnixTime> wall_at(Instant instant) const;
};

}  // namespace mailweir::console
