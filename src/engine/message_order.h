// The MessageOrder finds a message by id and walks messages in id order.
//
// Sorted runs of at most `run_max` ids; ids come mostly in rising order, so runs are filled to the
// brim and an entry costs 12 bytes. Find, insert, erase: O(log n) plus a move within one run.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "engine/slab.h"

namespace mailweir::engine {

class MessageOrder {
 public:
  std::uint32_t find(MessageId id) const;          // its slab index, or no_index
  void insert(MessageId id, std::uint32_t index);  // must not be there yet
  void erase(MessageId id);                        // must be there
  std::size_t size() const { return size_; }
  std::uint32_t first() const { return runs_.empty() ? no_index : runs_.front()->indices[0]; }

  // Calls `visit(index)` in id order for ids above `after`, until it returns false.
  template <class Visit>
  void walk(MessageId after, Visit visit) const {
    for (std::size_t r = run_of(after); r < runs_.size(); ++r) {
      const Run& run = *runs_[r];
      for (std::size_t i = run.lower_bound(after.value + 1); i < run.size; ++i) {
        if (!visit(run.indices[i])) return;
      }
    }
  }

 private:
  static constexpr std::size_t run_max = 256;

  struct Run {
    std::size_t size = 0;
    std::array<std::uint64_t, run_max> ids{};
    std::array<std::uint32_t, run_max> indices{};

    std::size_t lower_bound(std::uint64_t id) const;
    void insert(std::size_t at, std::uint64_t id, std::uint32_t index);
    void erase(std::size_t at);
    void move_upper_half_to(Run& other);
  };

  std::size_t run_of(MessageId id) const;  // the run that holds it, or would

  std::vector<std::unique_ptr<Run>> runs_;  // none empty
  std::size_t size_ = 0;
};

}  // namespace mailweir::engine
