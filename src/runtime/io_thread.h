// An IoThread is one event loop on one thread. Objects made for it are touched by no other thread.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "runtime/task.h"

namespace mailweir::runtime {

class IoThread {
 public:
  explicit IoThread(std::string name);  // starts the thread; the name shows in `top -H`
  ~IoThread();                          // join() must have been called
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  Executor executor() { return context_.get_executor(); }
  asio::io_context& context() { return context_; }
  bool is_current() const { return std::this_thread::get_id() == thread_.get_id(); }

  // Runs `work` on the thread, soon. From any thread.
  template <class F>
  void post(F&& work) {
    asio::post(context_, std::forward<F>(work));
  }
  // Runs `work` on the thread and waits for it. Not from the thread itself.
  void run(const std::function<void()>& work);
  // Lets the loop end once nothing is left to do, and waits for it. Every task must have been told
  // to stop before.
  void join();

 private:
  asio::io_context context_;
  asio::executor_work_guard<Executor> work_;
  std::thread thread_;
};

}  // namespace mailweir::runtime
