#include "runtime/deadline.h"

#include <utility>

namespace mailweir::runtime {

struct Deadline::State : std::enable_shared_from_this<Deadline::State> {
  State(const Executor& executor, std::function<void()> callback)
      : timer(executor), on_expiry(std::move(callback)) {}

  Timer timer;
  std::function<void()> on_expiry;
  TimePoint at = TimePoint::max();
  TimePoint timer_at = TimePoint::max();  // when the armed timer fires; max: none is armed
  bool expired = false;
  bool abandoned = false;

  void arm() {
    timer_at = at;
    timer.expires_at(at);  // cancels a wait under way; its handler sees operation_aborted
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
      if (!ec) self->fired();
    });
  }

  void fired() {
    timer_at = TimePoint::max();
    if (abandoned || at == TimePoint::max()) return;
    if (std::chrono::steady_clock::now() < at) {
      arm();  // it was moved while the timer slept
      return;
    }
    at = TimePoint::max();
    expired = true;
    on_expiry();
  }
};

Deadline::Deadline(const Executor& executor, std::function<void()> on_expiry)
    : state_(std::make_shared<State>(executor, std::move(on_expiry))) {}

Deadline::~Deadline() {
  state_->abandoned = true;
  state_->timer.cancel();
}

void Deadline::expire_after(std::chrono::milliseconds time) {
  state_->expired = false;
  state_->at = std::chrono::steady_clock::now() + time;
  if (state_->at < state_->timer_at) state_->arm();
}

void Deadline::disarm() {
  state_->at = TimePoint::max();
}

bool Deadline::has_expired() const {
  return state_->expired;
}

}  // namespace mailweir::runtime
