#include "runtime/task_group.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

#include "base/assert.h"

namespace mailweir::runtime {
namespace {

// Spawned tasks obey terminal cancellation only, unless they ask for more (asio's default).
Task<void> cancellable(Task<void> task) {
  co_await asio::this_coro::reset_cancellation_state(asio::enable_total_cancellation());
  co_await std::move(task);
}

bool is_cancellation(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

[[noreturn]] void die(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mailweir: a task ended with an unexpected exception: %s\n", error.what());
  } catch (...) {
    std::fprintf(stderr, "mailweir: a task ended with an unknown exception\n");
  }
  std::abort();
}

}  // namespace

TaskGroup::TaskGroup(Executor executor) : executor_(std::move(executor)) {}

TaskGroup::~TaskGroup() {
  WEIR_ASSERT(signals_.empty());
}

void TaskGroup::spawn(Task<void> task) {
  const auto signal = signals_.emplace(signals_.end());
  asio::co_spawn(executor_, cancellable(std::move(task)),
                 asio::bind_cancellation_slot(signal->slot(),
                                              [this, signal](const std::exception_ptr& failure) {
                                                if (failure && !is_cancellation(failure))
                                                  die(failure);
                                                signals_.erase(signal);
                                                if (signals_.empty() && then_)
                                                  std::exchange(then_, nullptr)();
                                              }));
}

void TaskGroup::cancel() {
  for (auto signal = signals_.begin(); signal != signals_.end();) {
    // The emission may end the task, and with it the list's entry.
    (signal++)->emit(asio::cancellation_type::terminal);
  }
}

void TaskGroup::when_empty(std::function<void()> then) {
  if (signals_.empty()) {
    then();
  } else {
    then_ = std::move(then);
  }
}

}  // namespace mailweir::runtime
