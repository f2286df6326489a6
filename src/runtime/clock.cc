#include "runtime/clock.h"

#include <ctime>

namespace mailweir::runtime {
namespace {

Duration read(clockid_t id) {
  timespec ts{};
  ::clock_gettime(id, &ts);
  return Duration(static_cast<std::int64_t>(ts.tv_sec) * 1'000'000 + ts.tv_nsec / 1000);
}

}  // namespace

Instant SystemClock::now() const {
  return Instant(read(CLOCK_BOOTTIME));
}

UnixTime SystemClock::wall_now() const {
  return UnixTime(read(CLOCK_REALTIME));
}

}  // namespace mailweir::runtime
