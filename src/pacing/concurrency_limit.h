// The ConcurrencyLimit keeps how many transactions and connections a path bears at once: below what
// was refused, and no more than its pace needs. A path begins with few connections, and has more
// when they have been short for a while. A value.
#pragma once

#include <chrono>
#include <cstdint>

#include "pacing/path_time.h"

namespace mailweir::pacing {

class ConcurrencyLimit {
 public:
  // Of connections alone: below what was refused, else what was grown to; `rate` in messages/s
  // needs no growth.
  std::uint32_t connections_most(double rate) const;
  bool was_refused() const { return refused_ > 0; }
  // `pace` in messages/s, or infinite.
  std::uint32_t most(double pace, std::uint32_t ceiling) const;
  void on_latency(Duration taken);
  double latency() const { return static_cast<double>(latency_); }  // seconds
  void on_refused(std::uint32_t in_flight, PathSecond now);
  // Mail waits for nothing but what was refused.
  void note_binding(PathSecond now) {
    if (refused_ > 0) binding_until_ = now + std::chrono::seconds(60);
  }
  // Mail waits for a connection, and all there may be are in use.
  void note_short(PathSecond now);
  // One more than was refused, or half as many again, where they bind and a while has passed.
  void tick(PathSecond now);

  bool is_sound() const { return latency_ < 1e9F && repeats_ <= 5 && grown_ > 0; }  // of an image
  template <class Archive>
  void archive(Archive& a) {
    a(latency_), a(refused_), a(repeats_), a(grown_), a(next_try_), a(binding_until_);
  }

 private:
  static constexpr std::uint8_t grown_first = 4;
  std::chrono::seconds growth_time() const;

  float latency_ = 0.7F;       // seconds, of an accepted message
  std::uint16_t refused_ = 0;  // at once; 0: none
  std::uint8_t repeats_ = 0;
  std::uint8_t grown_ =
      grown_first;  // connections, until some are refused; the greatest: any number
  PathSecond next_try_{};
  PathSecond binding_until_{long_ago};
};

}  // namespace mailweir::pacing
