// A TaskGroup owns the tasks spawned into it: they can be cancelled together, and their owner
// learns when the last has ended.
//
// Lives on one IoThread and is used from it alone, but for the constructor. An exception that
// leaves a task ends the process: it is a bug of ours (cancellation is not one). Destroyed only
// when empty.
#pragma once

#include <cstddef>
#include <functional>
#include <list>

#include "runtime/task.h"

namespace boost::asio {
class cancellation_signal;
}

namespace mailweir::runtime {

class TaskGroup {
 public:
  explicit TaskGroup(Executor executor);
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void spawn(Task<void> task);
  // Asks every task to end: its present and later waits return or throw `operation_aborted`.
  void cancel();
  // Calls `then` once, when no task is left (at once if so already).
  void when_empty(std::function<void()> then);
  std::size_t size() const { return signals_.size(); }

 private:
  Executor executor_;
  std::list<asio::cancellation_signal> signals_;
  std::function<void()> then_;
};

}  // namespace mailweir::runtime
