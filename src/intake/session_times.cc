#include "intake/session_times.h"

#include <algorithm>

namespace mailweir::intake {

Instant content_deadline(const SessionTimes& times, Instant began, std::uint64_t octets,
                         Instant now) {
  // Octets beyond what fills command_max earn nothing, so the product cannot overflow.
  const auto earned =
      std::chrono::seconds(std::min<std::uint64_t>(octets / times.content_rate_min, 1'000'000));
  return std::min(began + times.content_grace + earned, now + times.command_max);
}

}  // namespace mailweir::intake
