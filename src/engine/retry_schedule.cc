#include "engine/retry_schedule.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace mailweir::engine {

Duration retry_wait(const RetrySchedule& schedule, std::uint16_t attempts, double unit) {
  WEIR_ASSERT(attempts > 0);
  const auto longest = static_cast<double>(schedule.longest.count());
  const double grown =
      static_cast<double>(schedule.first.count()) * std::pow(schedule.factor, attempts - 1);
  const double spread = 1.0 + schedule.jitter * (2.0 * unit - 1.0);
  return Duration(static_cast<std::int64_t>(std::max(1.0, std::min(grown, longest) * spread)));
}

}  // namespace mailweir::engine
