#include "sink/session_time.h"

namespace mailweir::sink {

runtime::Task<void> RealSessionTime::wait(runtime::Executor executor, Duration delay) {
  runtime::Timer timer(executor, delay);
  co_await timer.async_wait(runtime::use_task);
}

}  // namespace mailweir::sink
