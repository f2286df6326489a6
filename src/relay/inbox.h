// An Inbox hands items from any thread to one IoThread, many per wake-up.
//
// The first push into an empty inbox posts one task; what is pushed before that task runs rides
// along. Order is kept. Bounded by what feeds it: every item answers an order or belongs to a
// message that was admitted against the memory budget.
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "runtime/io_thread.h"

namespace mailweir::relay {

template <class Item>
class Inbox {
 public:
  // `take` is called on the thread with everything that has come, oldest first.
  Inbox(runtime::IoThread& thread, std::function<void(std::vector<Item>&&)> take)
      : thread_(thread), take_(std::move(take)) {}

  void push(Item item) {
    bool wake = false;
    {
      const std::lock_guard lock(mutex_);
      wake = items_.empty();
      items_.push_back(std::move(item));
    }
    if (wake) thread_.post([this] { drain(); });
  }

 private:
  void drain() {
    {
      const std::lock_guard lock(mutex_);
      items_.swap(batch_);
    }
    take_(std::move(batch_));
    batch_.clear();
  }

  runtime::IoThread& thread_;
  std::function<void(std::vector<Item>&&)> take_;
  std::mutex mutex_;
  std::vector<Item> items_;
  std::vector<Item> batch_;  // of the thread alone; keeps its capacity
};

}  // namespace mailweir::relay
