#include "intake/memory_budget.h"

#include "base/assert.h"

namespace mailweir::intake {

bool MemoryBudget::has_room_for(std::uint64_t bytes) const {
  const auto max = max_.load(std::memory_order_relaxed);
  const auto used = this->used();
  return used < max && bytes <= max - used;
}

bool MemoryBudget::try_take(std::uint64_t bytes) {
  const auto before = used_.fetch_add(bytes, std::memory_order_relaxed);
  if (before + bytes <= max_.load(std::memory_order_relaxed)) return true;
  used_.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

void MemoryBudget::give_back(std::uint64_t bytes) {
  const auto before = used_.fetch_sub(bytes, std::memory_order_relaxed);
  WEIR_ASSERT(before >= bytes);
}

}  // namespace mailweir::intake
