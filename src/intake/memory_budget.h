// The MemoryBudget is the room all message contents in flight share, from their first octet until
// they are durable.
//
// Thread-safe, lock-free. What does not fit is refused (452), so that a flood costs the sender time
// and not us memory.
#pragma once

#include <atomic>
#include <cstdint>

namespace mailweir::intake {

class MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t bytes_max) : max_(bytes_max) {}

  bool has_room_for(std::uint64_t bytes) const;
  // Takes the room, or takes nothing and says false.
  bool try_take(std::uint64_t bytes);
  void give_back(std::uint64_t bytes);
  std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  // What is above a lowered limit stays until it is given back.
  void set_max(std::uint64_t bytes_max) { max_.store(bytes_max, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> max_;
  std::atomic<std::uint64_t> used_{0};
};

}  // namespace mailweir::intake
