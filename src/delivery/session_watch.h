// A SessionWatch is what can interrupt a session wherever it waits: its deadline, being told to
// stop, being cut off.
//
// Shared by the two halves of a session (SessionOpener, Session). Lives on one IoThread.
#pragma once

#include <functional>

#include "engine/outcome.h"
#include "runtime/deadline.h"
#include "runtime/wakeup.h"

namespace mailweir::delivery {

class SessionWatch {
 public:
  explicit SessionWatch(const runtime::Executor& executor);

  runtime::Wakeup wakeup;
  runtime::Deadline deadline;
  // What must happen at once on an interruption, such as breaking off a connect.
  std::function<void()> on_interrupt;

  // Begins a phase that may take so long.
  void begin(std::chrono::milliseconds time_max);
  void interrupt(engine::Failure why);
  // `timeout`, `cancelled`, or `none`.
  engine::Failure interruption() const { return interruption_; }

 private:
  engine::Failure interruption_ = engine::Failure::none;
};

}  // namespace mailweir::delivery
