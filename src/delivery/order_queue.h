// An OrderQueue carries orders to one IoThread. One post wakes the thread; whatever comes before it
// has woken rides along.
//
// push() from any thread; the rest on the IoThread. It may outlive the thread once it has been
// closed.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "delivery/delivery.h"
#include "engine/order.h"
#include "runtime/io_thread.h"

namespace mailweir::delivery {

struct StartOrder {
  engine::StartTransaction order;
  std::shared_ptr<const QueuedMessage> message;
};

class OrderQueue : public std::enable_shared_from_this<OrderQueue> {
 public:
  using Task = std::move_only_function<void()>;
  using Entry = std::variant<engine::OpenSession, StartOrder, engine::CloseSession, Task>;
  // Gets what has gathered, in order.
  using CarryOut = std::function<void(std::vector<Entry>& entries)>;

  // `carry_out` is called on the thread, never after close().
  OrderQueue(runtime::IoThread& thread, CarryOut carry_out);

  // False once closed: the entry is left with the caller.
  bool push(Entry&& entry);
  // Returns what nobody will carry out any more.
  std::vector<Entry> close();

 private:
  void drain();

  runtime::IoThread& thread_;
  CarryOut carry_out_;
  std::vector<Entry> draining_;  // only used by drain()
  std::mutex mutex_;
  std::vector<Entry> entries_;
  bool is_posted_ = false;
  bool is_closed_ = false;
};

}  // namespace mailweir::delivery
