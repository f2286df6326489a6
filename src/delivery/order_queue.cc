#include "delivery/order_queue.h"

#include <utility>

namespace mailweir::delivery {

OrderQueue::OrderQueue(runtime::IoThread& thread, CarryOut carry_out)
    : thread_(thread), carry_out_(std::move(carry_out)) {}

bool OrderQueue::push(Entry&& entry) {
  const std::lock_guard lock(mutex_);
  if (is_closed_) return false;
  entries_.push_back(std::move(entry));
  // Under the lock, so that no post comes after close(), when the thread may be gone.
  if (!std::exchange(is_posted_, true)) {
    thread_.post([self = shared_from_this()] { self->drain(); });
  }
  return true;
}

void OrderQueue::drain() {
  {
    const std::lock_guard lock(mutex_);
    is_posted_ = false;
    if (is_closed_) return;
    draining_.swap(entries_);
  }
  carry_out_(draining_);
  draining_.clear();
}

std::vector<OrderQueue::Entry> OrderQueue::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  return std::exchange(entries_, {});
}

}  // namespace mailweir::delivery
