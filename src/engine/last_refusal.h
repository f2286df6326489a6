// The last refusal that a path, or a cell, has met: verbatim, for people. Decides nothing.
#pragma once

#include <string>

#include "base/time.h"
#include "engine/outcome.h"
#include "mail/reply.h"

namespace mailweir::engine {

struct LastRefusal {
  Reply reply;  // code 0: none came
  std::string rule;
  std::string host;
  Phase phase = Phase::connect;
  Failure failure = Failure::none;
  Instant at{};  // zero: never refused
};

}  // namespace mailweir::engine
