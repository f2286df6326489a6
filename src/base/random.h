// Random is the port through which every random choice comes, so that a seed replays a run.
#pragma once

#include <cstdint>

#include "base/assert.h"

namespace mailweir {

__extension__ typedef unsigned __int128 Wide;  // for an unbiased-enough multiply-shift

class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next_u64() = 0;

  // Uniform in [0, bound). The bias of the remainder is below 2^-32 for every bound in use here.
  std::uint64_t below(std::uint64_t bound) {
    WEIR_ASSERT(bound > 0);
    return static_cast<std::uint64_t>((static_cast<Wide>(next_u64()) * bound) >> 64);
  }
  // Uniform in [0, 1).
  double unit() { return static_cast<double>(next_u64() >> 11) * 0x1.0p-53; }
};

// xoshiro256** seeded by splitmix64 (Blackman, Vigna): the same numbers on every platform, unlike
// std's distributions.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed);
  std::uint64_t next_u64() override;

 private:
  std::uint64_t state_[4];
};

}  // namespace mailweir
