// WindowCounts keeps how many attempts started within the last minute, ten minutes, hour and day.
//
// Each window is a ring of parts, of which the oldest fades linearly. A part is 16 bits: where more
// is counted, all parts of the window are halved and attempts counted in twos, fours …, so that
// 20,000/s for a day is kept to four digits in 88 bytes. Time must not run backwards.
#pragma once

#include <array>
#include <cstdint>

#include "pacing/path_time.h"
#include "pacing/window.h"

namespace mailweir::pacing {

class WindowCounts {
 public:
  void add(PathTime now);
  double value(std::size_t window, PathTime now) const;
  // When one more attempt fits below `most`, if none starts until then.
  PathTime free_at(std::size_t window, PathTime now, double most) const;
  void clear(std::size_t window);
  // Counts also what the other has counted since its own beginning, `later` than this one's, to
  // the part of a window.
  void add(const WindowCounts& other, PathTime later, PathTime now);

  template <class Archive>
  void archive(Archive& a) {
    a(parts_);
    if (a.version < 4) {
      std::array<std::uint32_t, windows> sums{};
      a(sums);
    }
    a(left_over_), a(scales_), a(newest_);
  }
  // Whether an image can have come from counting.
  bool is_sound(PathTime now) const;

 private:
  static constexpr std::size_t parts_all = 7 + 7 + 11 + 11;
  void roll(PathSecond now);
  void count(std::size_t window);
  // In the part of that number; what has gone out of the window is left out.
  void count(std::size_t window, std::int32_t number, std::uint64_t attempts);
  void halve(std::size_t window);
  std::uint32_t total(std::size_t window) const;

  std::array<std::uint16_t, parts_all> parts_{};
  std::array<std::uint16_t, windows> left_over_{};  // attempts that do not make a count yet
  std::array<std::uint8_t, windows> scales_{};      // a count stands for 2^scale attempts
  PathSecond newest_{};                             // when the newest parts were begun or used
};

}  // namespace mailweir::pacing
