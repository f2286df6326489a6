// StateMarks remembers which recent messages have a recipient state stored, so that removing one
// that was delivered at once (nine of ten) writes no tombstones for states it never had.
//
// Exact for the newest `window_count - 1` windows of ids since it was made, and cautious ("may
// have") for all others. A bit an id, 512 KiB in all. Not thread-safe.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>

#include "base/ids.h"

namespace mailweir::spool {

class StateMarks {
 public:
  static constexpr std::uint64_t window_size = 1U << 19;  // ids
  static constexpr std::uint64_t window_count = 8;

  // Ids below `floor` were there before us.
  explicit StateMarks(MessageId floor);

  void mark(MessageId id);
  bool may_have_state(MessageId id) const;

 private:
  using Window = std::bitset<window_size>;

  void advance(std::uint64_t window);

  std::uint64_t floor_;   // first id we know of
  std::uint64_t newest_;  // number of the newest window
  std::unique_ptr<std::array<Window, window_count>> windows_;
};

}  // namespace mailweir::spool
