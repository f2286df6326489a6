// The ConcurrencyLimit keeps how many transactions a path bears at once: below what was refused,
// and no more than its pace needs. A value.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "pacing/path_time.h"

namespace mailweir::pacing {

class ConcurrencyLimit {
 public:
  // Of connections alone: below what was refused; no bound until something was.
  std::uint32_t connections_most() const {
    return refused_ == 0 ? std::numeric_limits<std::uint32_t>::max()
                         : std::max(2U, std::uint32_t{refused_}) - 1U;
  }
  // `pace` in messages/s, or infinite.
  std::uint32_t most(double pace, std::uint32_t ceiling) const;
  void on_latency(Duration taken);
  double latency() const { return static_cast<double>(latency_); }  // seconds
  void on_refused(std::uint32_t in_flight, PathSecond now);
  // Mail waits for nothing but this limit.
  void note_binding(PathSecond now) { binding_until_ = now + std::chrono::seconds(60); }
  // Tries one more where it binds and a while has passed.
  void tick(PathSecond now);

  bool is_sound() const { return latency_ < 1e9F && repeats_ <= 5; }  // of an image
  template <class Archive>
  void archive(Archive& a) {
    a(latency_), a(refused_), a(repeats_), a(next_try_), a(binding_until_);
  }

 private:
  float latency_ = 0.7F;       // seconds, of an accepted message
  std::uint16_t refused_ = 0;  // at once; 0: none
  std::uint8_t repeats_ = 0;
  PathSecond next_try_{};
  PathSecond binding_until_{long_ago};
};

}  // namespace mailweir::pacing
