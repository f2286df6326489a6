// A TimerWheel wakes slab elements at their time: hierarchical wheels of 64 slots, linked through
// the elements themselves.
//
// Schedule and cancel are O(1) and need no memory; an element is touched at most once a level on
// its way down. Ticks are 1.024 ms; nothing fires early. Elements due in the same tick fire in the
// order they were scheduled. `Traits` gives `links(T&)` as a member pointer, `bucket(T&)` (at least
// 16 bits the wheel may use) and `due(const T&)`.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "base/time.h"
#include "engine/intrusive_list.h"

namespace mailweir::engine {

template <class T, class Traits>
class TimerWheel {
 public:
  explicit TimerWheel(Slab<T>& table) : table_(table) {}

  void schedule(std::uint32_t index) {
    place(index, std::max(tick_not_before(Traits::due(table_[index])), current_ + 1));
    ++size_;
  }

  void cancel(std::uint32_t index) {
    const std::uint32_t bucket = Traits::bucket(table_[index]);
    list::erase(table_, Traits::links, buckets_[bucket], index);
    if (buckets_[bucket].empty()) occupied_[bucket / slots] &= ~(1ULL << (bucket % slots));
    --size_;
  }

  // Not later than the first element's time; it may be earlier, then advance() fires nothing and
  // the answer gets better.
  Instant next() const {
    const Place place = earliest();
    return place.tick == none
               ? never
               : Instant(Duration(static_cast<std::int64_t>(place.tick << tick_bits)));
  }

  // Takes out everything due at `now` and appends it to `fired`.
  void advance(Instant now, std::vector<std::uint32_t>& fired) {
    const std::uint64_t target = tick_at(now);
    for (Place at = earliest(); at.tick <= target && at.tick != none; at = earliest()) {
      current_ = at.tick;
      empty_bucket(at.bucket, fired);
    }
    current_ = std::max(current_, target);
  }

  std::size_t size() const { return size_; }

 private:
  static constexpr unsigned tick_bits = 10;
  static constexpr unsigned slot_bits = 6;
  static constexpr std::uint32_t slots = 1U << slot_bits;
  static constexpr unsigned levels = 7;  // 2^52 µs, over a century
  static constexpr std::uint64_t none = ~0ULL;
  static constexpr std::uint64_t last_tick = (1ULL << (slot_bits * levels)) - 1;

  struct Place {
    std::uint64_t tick = none;
    std::uint32_t bucket = 0;
  };

  static std::uint64_t tick_at(Instant time) {
    const auto us = std::max<std::int64_t>(0, time.time_since_epoch().count());
    return std::min(static_cast<std::uint64_t>(us) >> tick_bits, last_tick);
  }
  static std::uint64_t tick_not_before(Instant time) {
    const auto us = std::max<std::int64_t>(0, time.time_since_epoch().count());
    return std::min((static_cast<std::uint64_t>(us) + ((1U << tick_bits) - 1)) >> tick_bits,
                    last_tick);
  }

  // The level is that of the highest digit (base 64) in which `tick` differs from now: so lower
  // levels always come first.
  void place(std::uint32_t index, std::uint64_t tick) {
    const auto highest_bit = static_cast<unsigned>(63 - std::countl_zero((tick ^ current_) | 1));
    const unsigned level = highest_bit / slot_bits;
    const auto slot = static_cast<std::uint32_t>((tick >> (slot_bits * level)) & (slots - 1));
    const std::uint32_t bucket = level * slots + slot;
    list::push_back(table_, Traits::links, buckets_[bucket], index);
    auto& kept = Traits::bucket(table_[index]);
    kept = static_cast<std::remove_reference_t<decltype(kept)>>(bucket);
    occupied_[level] |= 1ULL << slot;
  }

  Place earliest() const {
    for (unsigned level = 0; level < levels; ++level) {
      if (occupied_[level] == 0) continue;
      const auto slot = static_cast<std::uint32_t>(std::countr_zero(occupied_[level]));
      const unsigned shift = slot_bits * level;
      const std::uint64_t above = current_ >> (shift + slot_bits) << (shift + slot_bits);
      return {above | (static_cast<std::uint64_t>(slot) << shift), level * slots + slot};
    }
    return {};
  }

  void empty_bucket(std::uint32_t bucket, std::vector<std::uint32_t>& fired) {
    std::uint32_t index = buckets_[bucket].first;
    buckets_[bucket] = ListEnds{};
    occupied_[bucket / slots] &= ~(1ULL << (bucket % slots));
    while (index != no_index) {
      const std::uint32_t next = (table_[index].*Traits::links).next;
      const std::uint64_t tick = tick_not_before(Traits::due(table_[index]));
      if (tick > current_) {
        place(index, tick);
      } else {
        table_[index].*Traits::links = Links{};
        fired.push_back(index);
        --size_;
      }
      index = next;
    }
  }

  Slab<T>& table_;
  std::array<ListEnds, slots * levels> buckets_{};
  std::array<std::uint64_t, levels> occupied_{};
  std::uint64_t current_ = 0;
  std::size_t size_ = 0;
};

}  // namespace mailweir::engine
