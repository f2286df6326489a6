// A Wakeup lets one coroutine sleep until a callback has something for it.
//
// A wake() while nobody waits is kept, once, so none is lost; a waiter must therefore bear waking
// for nothing. Lives on one IoThread; wake() continues the sleeper before it returns, so its caller
// touches nothing of the sleeper's afterwards.
#pragma once

#include <functional>

#include "runtime/task.h"

namespace mailweir::runtime {

class Wakeup {
 public:
  Wakeup() = default;
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  // Returns once woken. One waiter at a time; not cancellable: whoever cancels, wakes.
  Task<void> wait();
  void wake();

 private:
  std::move_only_function<void()> waiter_;
  bool is_pending_ = false;
};

}  // namespace mailweir::runtime
