// SessionTime is the port through which the sessions of a Twin let time pass: a test puts one in
// its place that moves a paused clock.
#pragma once

#include "base/time.h"
#include "runtime/task.h"

namespace mailweir::sink {

class SessionTime {
 public:
  virtual ~SessionTime() = default;

  // Completes when `delay` has passed, or when cancelled. From every IoThread.
  virtual runtime::Task<void> wait(runtime::Executor executor, Duration delay) = 0;
  // A session has fallen silent and will answer nothing any more.
  virtual void fell_silent() {}
};

class RealSessionTime final : public SessionTime {
 public:
  runtime::Task<void> wait(runtime::Executor executor, Duration delay) override;
};

}  // namespace mailweir::sink
