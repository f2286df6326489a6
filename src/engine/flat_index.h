// A FlatIndex finds slab indices by hash: open addressing, 8 bytes an entry. Keys stay in the slab;
// the caller compares them.
//
// Never iterated, so the hash has no influence on any order of the engine. Not thread-safe.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/slab.h"

namespace mailweir::engine {

// A finalizer that spreads every input bit over the word (splitmix64, Vigna).
constexpr std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

inline std::uint64_t hash_text(std::string_view text) {
  return static_cast<std::uint64_t>(std::hash<std::string_view>{}(text));
}

class FlatIndex {
 public:
  // The entry of that hash which `equals(index)` accepts; no_index if none.
  template <class Equals>
  std::uint32_t find(std::uint64_t hash, Equals equals) const {
    if (entries_.empty()) return no_index;
    const auto tag = static_cast<std::uint32_t>(hash);
    for (std::size_t at = tag & mask(); entries_[at].index != no_index; at = (at + 1) & mask()) {
      if (entries_[at].tag == tag && equals(entries_[at].index)) return entries_[at].index;
    }
    return no_index;
  }

  // The key must not be there yet.
  void insert(std::uint64_t hash, std::uint32_t index) {
    if ((size_ + 1) * 4 > entries_.size() * 3) grow();
    place({static_cast<std::uint32_t>(hash), index});
    ++size_;
  }

  void erase(std::uint64_t hash, std::uint32_t index) {
    std::size_t hole = static_cast<std::uint32_t>(hash) & mask();
    while (entries_[hole].index != index) {
      WEIR_ASSERT(entries_[hole].index != no_index);
      hole = (hole + 1) & mask();
    }
    // Backward shift: later entries of the run move up unless that would put them before their own
    // place.
    for (std::size_t at = (hole + 1) & mask(); entries_[at].index != no_index;
         at = (at + 1) & mask()) {
      const std::size_t home = entries_[at].tag & mask();
      if (((at - home) & mask()) >= ((at - hole) & mask())) {
        entries_[hole] = entries_[at];
        hole = at;
      }
    }
    entries_[hole] = Entry{};
    --size_;
  }

  std::size_t size() const { return size_; }

 private:
  struct Entry {
    std::uint32_t tag = 0;
    std::uint32_t index = no_index;
  };

  std::size_t mask() const { return entries_.size() - 1; }

  void place(Entry entry) {
    std::size_t at = entry.tag & mask();
    while (entries_[at].index != no_index) at = (at + 1) & mask();
    entries_[at] = entry;
  }

  void grow() {
    std::vector<Entry> old =
        std::exchange(entries_, std::vector<Entry>(entries_.empty() ? 16 : entries_.size() * 2));
    for (const Entry& entry : old) {
      if (entry.index != no_index) place(entry);
    }
  }

  std::vector<Entry> entries_;
  std::size_t size_ = 0;
};

}  // namespace mailweir::engine
