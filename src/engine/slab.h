// A Slab keeps elements in fixed chunks and names them by 32-bit indices: half of a pointer, and no
// element ever moves.
//
// Freed slots are used again, last freed first; chunks stay until the slab goes. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/assert.h"

namespace mailweir::engine {

inline constexpr std::uint32_t no_index = 0xFFFF'FFFF;

template <class T, unsigned ChunkBits = 10>
class Slab {
 public:
  std::uint32_t allocate() {
    if (!free_.empty()) {
      const std::uint32_t index = free_.back();
      free_.pop_back();
      return index;
    }
    WEIR_ASSERT(extent_ < no_index);
    if (extent_ == chunks_.size() << ChunkBits) {
      chunks_.push_back(std::make_unique<T[]>(std::size_t{1} << ChunkBits));
    }
    return extent_++;
  }

  void release(std::uint32_t index) {
    (*this)[index] = T{};
    free_.push_back(index);
  }

  T& operator[](std::uint32_t index) { return chunks_[index >> ChunkBits][index & mask]; }
  const T& operator[](std::uint32_t index) const {
    return chunks_[index >> ChunkBits][index & mask];
  }

  // Every index in use is below this; the elements know themselves whether they are alive.
  std::uint32_t extent() const { return extent_; }

 private:
  static constexpr std::uint32_t mask = (1U << ChunkBits) - 1;

  std::vector<std::unique_ptr<T[]>> chunks_;
  std::vector<std::uint32_t> free_;
  std::uint32_t extent_ = 0;
};

}  // namespace mailweir::engine
