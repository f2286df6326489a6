// A WakeQueue remembers which hops and paths want to be looked at when. Entries may be stale: the
// one woken checks its own timer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace mailweir::engine {

enum class WakeKind : std::uint8_t { hop, path };

struct Wake {
  Instant at{};
  WakeKind kind = WakeKind::hop;
  std::uint32_t index = 0;
};

class WakeQueue {
 public:
  void add(Wake wake) {
    heap_.push_back(wake);
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  Instant next() const { return heap_.empty() ? never : heap_.front().at; }
  Wake take() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const Wake wake = heap_.back();
    heap_.pop_back();
    return wake;
  }

 private:
  // Ties are broken by kind and index: the order must not depend on the heap's shape.
  static bool later(const Wake& a, const Wake& b) {
    if (a.at != b.at) return a.at > b.at;
    return a.kind != b.kind ? a.kind > b.kind : a.index > b.index;
  }

  std::vector<Wake> heap_;
};

}  // namespace mailweir::engine
