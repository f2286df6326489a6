// A FadingMap remembers values by 64-bit key in bounded memory: the least lately touched half goes
// when it is full.
//
// Two generations: a key that is touched lives in the young one; when that is full it becomes the
// old one and the old one is forgotten. Not thread-safe.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace mailweir::world {

template <class Value>
class FadingMap {
 public:
  // At least the `entries_max` / 2 keys touched last are there.
  explicit FadingMap(std::uint64_t entries_max)
      : generation_max_(entries_max / 2 + entries_max % 2) {}

  // The value of the key, `absent` put there if it has none. Valid until the next call.
  Value& touch(std::uint64_t key, const Value& absent) {
    if (Entry* entry = young_.find(key)) return entry->value;
    const Entry* faded = old_.find(key);
    const Value value = faded == nullptr ? absent : faded->value;
    if (young_.size >= generation_max_) old_ = std::exchange(young_, Generation{});
    return young_.insert(key, value).value;
  }

 private:
  struct Entry {
    std::uint64_t key = 0;
    Value value{};
    bool is_used = false;
  };

  struct Generation {
    std::vector<Entry> entries;
    std::uint64_t size = 0;

    std::size_t place_of(std::uint64_t key) const {
      std::size_t at = key & (entries.size() - 1);
      while (entries[at].is_used && entries[at].key != key) at = (at + 1) & (entries.size() - 1);
      return at;
    }

    Entry* find(std::uint64_t key) {
      if (entries.empty()) return nullptr;
      Entry& entry = entries[place_of(key)];
      return entry.is_used ? &entry : nullptr;
    }

    Entry& insert(std::uint64_t key, const Value& value) {
      if ((size + 1) * 4 > entries.size() * 3) grow();
      ++size;
      return entries[place_of(key)] = {key, value, true};
    }

    void grow() {
      const std::vector<Entry> before =
          std::exchange(entries, std::vector<Entry>(entries.empty() ? 16 : entries.size() * 2));
      for (const Entry& entry : before) {
        if (entry.is_used) entries[place_of(entry.key)] = entry;
      }
    }
  };

  std::uint64_t generation_max_;
  Generation young_;
  Generation old_;
};

}  // namespace mailweir::world
