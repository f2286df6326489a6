// A SlotTable numbers keys (addresses, networks, domains, recipients) densely, in the order of
// their first appearance; a PerSlot keeps one state for each number.
//
// Keys are 64-bit hashes and a hash stands for its key: two domains that collide (once in 2^32
// pairs of millions) share a state. Bounded: beyond `slots_max` a new key shares a slot that is
// there, by hash. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/networks.h"

namespace mailweir::world {

// The finalizer of splitmix64 (Vigna): one-to-one, every input bit spreads over the word.
constexpr std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

// FNV-1a, finished by mix(): the same number on every platform.
constexpr std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return mix(hash);
}

inline std::uint64_t hash_of(const IpAddress& address) {
  return mix(address.low() ^ mix(address.high() + (address.is_ipv4() ? 1 : 2)));
}

// The network a receiver judges neighbours by: /24, or /64 of IPv6.
inline IpAddress network_of(const IpAddress& address) {
  if (address.is_ipv4())
    return IpAddress::from_ipv4(static_cast<std::uint32_t>(address.low() & ~std::uint64_t{0xFF}));
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i)
    bytes[i] = static_cast<std::uint8_t>(address.high() >> (56 - 8 * i));
  return IpAddress::from_ipv6(bytes);
}

inline constexpr std::uint32_t no_slot = ~std::uint32_t{0};

class SlotTable {
 public:
  static constexpr std::uint32_t slots_max = 1U << 20;

  // no_slot if the key never appeared.
  std::uint32_t find(std::uint64_t key) const {
    if (entries_.empty()) return no_slot;
    for (std::size_t at = key & mask(); entries_[at].slot != no_slot; at = (at + 1) & mask()) {
      if (entries_[at].key == key) return entries_[at].slot;
    }
    return size_ < slots_max ? no_slot : static_cast<std::uint32_t>((key >> 32) % slots_max);
  }

  std::uint32_t find_or_add(std::uint64_t key) {
    const std::uint32_t found = find(key);
    if (found != no_slot) return found;
    if ((size_ + 1) * 4 > entries_.size() * 3) grow();
    place({key, size_});
    return size_++;
  }

  std::uint32_t size() const { return size_; }

 private:
  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t slot = no_slot;
  };

  std::size_t mask() const { return entries_.size() - 1; }

  void place(Entry entry) {
    std::size_t at = entry.key & mask();
    while (entries_[at].slot != no_slot) at = (at + 1) & mask();
    entries_[at] = entry;
  }

  void grow() {
    const std::vector<Entry> old =
        std::exchange(entries_, std::vector<Entry>(entries_.empty() ? 16 : entries_.size() * 2));
    for (const Entry& entry : old) {
      if (entry.slot != no_slot) place(entry);
    }
  }

  std::vector<Entry> entries_;
  std::uint32_t size_ = 0;
};

// States by slot, made as `initial` when first touched.
template <class State>
class PerSlot {
 public:
  explicit PerSlot(State initial) : initial_(std::move(initial)) {}

  State& at(std::uint32_t slot) {
    if (slot >= states_.size()) states_.resize(slot + std::size_t{1}, initial_);
    return states_[slot];
  }
  // As at(), for a slot that may be unknown.
  const State& view(std::uint32_t slot) const {
    return slot < states_.size() ? states_[slot] : initial_;
  }

 private:
  State initial_;
  std::vector<State> states_;
};

}  // namespace mailweir::world
