// Clock is the port to time. Only runtime/ reads the real one.
#pragma once

#include "base/time.h"

namespace mailweir::runtime {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;        // monotonic, counts through suspend (CLOCK_BOOTTIME)
  virtual UnixTime wall_now() const = 0;  // for display and for what is stored
};

class SystemClock final : public Clock {
 public:
  Instant now() const override;
  UnixTime wall_now() const override;
};

}  // namespace mailweir::runtime
