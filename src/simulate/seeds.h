// One seed gives independent streams, so that what one part draws does not shift another's numbers.
#pragma once

#include <cstdint>

namespace mailweir::simulate {

enum class Stream : std::uint64_t { load = 1, network, receiver, sender, faults };

// By splitmix64's finalizer (Vigna).
constexpr std::uint64_t seed_for(std::uint64_t seed, Stream stream, std::uint64_t number = 0) {
  std::uint64_t x =
      seed + 0x9E3779B97F4A7C15ULL * (static_cast<std::uint64_t>(stream) << 32 | number);
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

}  // namespace mailweir::simulate
