#include "delivery/session_watch.h"

#include <utility>

namespace mailweir::delivery {

SessionWatch::SessionWatch(const runtime::Executor& executor)
    : deadline(executor, [this] { interrupt(engine::Failure::timeout); }) {}

void SessionWatch::begin(std::chrono::milliseconds time_max) {
  if (interruption_ == engine::Failure::timeout) interruption_ = engine::Failure::none;
  deadline.expire_after(time_max);
}

void SessionWatch::interrupt(engine::Failure why) {
  // Being told to end outlasts a time-out of one phase.
  if (interruption_ != engine::Failure::cancelled) interruption_ = why;
  if (on_interrupt) on_interrupt();
  wakeup.wake();
}

}  // namespace mailweir::delivery
