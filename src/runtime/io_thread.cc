#include "runtime/io_thread.h"

#include <latch>

#include "base/assert.h"
#include "base/thread.h"

namespace mailweir::runtime {

IoThread::IoThread(std::string name) : context_(1), work_(context_.get_executor()) {
  thread_ = std::thread([this, name = std::move(name)] {
    introduce_thread(name);
    context_.run();
  });
}

IoThread::~IoThread() {
  WEIR_ASSERT(!thread_.joinable());
}

void IoThread::run(const std::function<void()>& work) {
  WEIR_ASSERT(!is_current());
  std::latch done(1);
  post([&work, &done] {
    work();
    done.count_down();
  });
  done.wait();
}

void IoThread::join() {
  work_.reset();
  if (thread_.joinable()) thread_.join();
}

}  // namespace mailweir::runtime
