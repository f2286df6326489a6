#include "spool/state_marks.h"

#include <algorithm>

namespace mailweir::spool {

StateMarks::StateMarks(MessageId floor)
    : floor_(floor.value),
      newest_(floor.value / window_size),
      windows_(std::make_unique<std::array<Window, window_count>>()) {}

void StateMarks::mark(MessageId id) {
  const std::uint64_t window = id.value / window_size;
  if (window > newest_) advance(window);
  if (id.value < floor_) return;
  (*windows_)[window % window_count].set(id.value % window_size);
}

bool StateMarks::may_have_state(MessageId id) const {
  const std::uint64_t window = id.value / window_size;
  if (id.value < floor_) return true;
  if (window > newest_) return false;
  return (*windows_)[window % window_count].test(id.value % window_size);
}

void StateMarks::advance(std::uint64_t window) {
  const std::uint64_t steps = std::min(window - newest_, window_count);
  for (std::uint64_t step = 0; step < steps; ++step) {
    (*windows_)[(window - step) % window_count].reset();
  }
  newest_ = window;
  if (window >= window_count) {
    floor_ = std::max(floor_, (window - window_count + 1) * window_size);
  }
}

}  // namespace mailweir::spool
