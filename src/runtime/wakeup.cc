#include "runtime/wakeup.h"

#include <boost/asio/async_result.hpp>
#include <utility>

#include "base/assert.h"

namespace mailweir::runtime {

Task<void> Wakeup::wait() {
  if (std::exchange(is_pending_, false)) co_return;
  WEIR_ASSERT(!waiter_);
  using Token = asio::use_awaitable_t<Executor>;
  co_await asio::async_initiate<const Token, void()>(
      [this](auto&& handler) { waiter_ = std::forward<decltype(handler)>(handler); }, Token{});
}

void Wakeup::wake() {
  if (!waiter_) {
    is_pending_ = true;
    return;
  }
  auto waiter = std::exchange(waiter_, nullptr);
  waiter();
}

}  // namespace mailweir::runtime
