// When a refused recipient is tried again.
#pragma once

#include "base/time.h"
#include "engine/engine_config.h"

namespace mailweir::engine {

// The wait after `attempts` counted attempts (at least 1): first × factor^(attempts-1), at most
// `longest`, then times 1 ± jitter; `unit` in [0, 1) says where between.
Duration retry_wait(const RetrySchedule& schedule, std::uint16_t attempts, double unit);

}  // namespace mailweir::engine
