// A Deadline closes something when its time has passed without being moved.
//
// Moving it is a store, not a timer operation, so that a session can set one for every command.
// Lives on one IoThread.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "runtime/task.h"

namespace mailweir::runtime {

class Deadline {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // `on_expiry` is called on the executor, once per expiry, typically to close a socket.
  Deadline(const Executor& executor, std::function<void()> on_expiry);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  void expire_after(std::chrono::milliseconds time);
  void disarm();
  bool has_expired() const;  // since it was last set

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace mailweir::runtime
