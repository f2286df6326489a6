// A SlotWindow counts events of the last `length`, kept in `slots` parts: in constant memory, never
// fewer than there were.
//
// The part under way and `slots` whole ones before it are counted, so that every window of `length`
// lies within. What is pressed against a limit of Q this way passes Q in each (slots + 1) parts.
#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"

namespace mailweir::world {

template <std::uint32_t slots>
class SlotWindow {
 public:
  std::uint64_t count(Duration length, Instant start, Instant now) const {
    const std::int64_t current = part_of(length, start, now);
    if (current == newest_) return total_;
    if (current - newest_ > static_cast<std::int64_t>(slots)) return 0;
    std::uint64_t sum = total_;
    for (std::int64_t part = newest_ + 1; part <= current; ++part) sum -= parts_[at(part)];
    return sum;
  }

  void add(Duration length, Instant start, Instant now) {
    advance(part_of(length, start, now));
    ++parts_[at(newest_)];
    ++total_;
  }

  void clear() { *this = SlotWindow{}; }

  // How much longer than `length` the counted span is, at most.
  static constexpr double stretch() {
    return (static_cast<double>(slots) + 1) / static_cast<double>(slots);
  }

 private:
  static constexpr std::uint32_t size = slots + 1;

  static std::int64_t part_of(Duration length, Instant start, Instant now) {
    return (now - start).count() / (length.count() / slots + (length.count() % slots != 0 ? 1 : 0));
  }
  static std::size_t at(std::int64_t part) { return static_cast<std::size_t>(part) % size; }

  void advance(std::int64_t current) {
    if (current - newest_ > static_cast<std::int64_t>(slots)) {
      parts_.fill(0);
      total_ = 0;
      newest_ = current;
    }
    while (newest_ < current) {
      ++newest_;
      total_ -= parts_[at(newest_)];
      parts_[at(newest_)] = 0;
    }
  }

  std::int64_t newest_ = 0;
  std::uint64_t total_ = 0;
  std::array<std::uint32_t, size> parts_{};
};

}  // namespace mailweir::world
