#include "pacing/window_counts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "base/random.h"

namespace mailweir::pacing {
namespace {

using namespace std::chrono_literals;

TEST(WindowCounts, CountAgreesWithALogOfStarts) {
  WindowCounts counts;
  SeededRandom random(1);
  std::deque<PathTime> log;
  PathTime now{};
  for (int i = 0; i < 20'000; ++i) {
    now += Duration(
        static_cast<std::int64_t>(random.below(i % 4'000 < 2'000 ? 2'000'000 : 20'000'000)));
    counts.add(now);
    log.push_back(now);
    if (i % 100 != 0) continue;
    for (std::size_t window = 0; window < windows; ++window) {
      const PathTime from = now - from_seconds(window_seconds[window]);
      const auto known = std::ranges::count_if(log, [from](PathTime at) { return at > from; });
      const double exact = static_cast<double>(known);
      // Off by what one part can hold unevenly.
      EXPECT_NEAR(counts.value(window, now), exact, 4 + exact * 0.2) << window;
    }
  }
}

TEST(WindowCounts, EverythingFades) {
  WindowCounts counts;
  for (int i = 0; i < 100; ++i) counts.add(1s * i);
  for (std::size_t window = 0; window < windows; ++window)
    EXPECT_EQ(counts.value(window, PathTime(30h)), 0.0);
}

TEST(WindowCounts, OneMoreFitsWhenItSays) {
  WindowCounts counts;
  PathTime now{};
  for (int i = 0; i < 5'000; ++i) counts.add(now += 700ms);
  for (const double share : {0.9, 0.5, 0.1}) {
    for (std::size_t window = 0; window < windows; ++window) {
      const double most = std::max(1.0, share * counts.value(window, now));
      const PathTime at = counts.free_at(window, now, most);
      EXPECT_LE(counts.value(window, at), most - 1 + 1e-3);
      EXPECT_GT(counts.value(window, at - 2s), most - 1 - 0.1) << window << " " << share;
    }
  }
}

TEST(WindowCounts, TwentyThousandASecondForADayAreCounted) {
  WindowCounts counts;
  // A second's worth at once, every tenth second: counting a day of it in full takes too long.
  for (std::int64_t second = 0; second < 1'000; ++second) {
    for (int i = 0; i < 20'000; ++i) counts.add(PathTime(second * 1s));
  }
  EXPECT_NEAR(counts.value(day, PathTime(1'000s)), 2e7, 2e4);
  EXPECT_NEAR(counts.value(minute, PathTime(1'000s)), 1.2e6, 2e4);
  EXPECT_TRUE(counts.is_sound(PathTime(1'000s)));
}

// As if one had counted all of it, however the two are shifted against each other.
TEST(WindowCounts, WhatAnotherCountedLaterIsCountedToo) {
  SeededRandom random(3);
  for (int round = 0; round < 50; ++round) {
    const PathTime begun(static_cast<std::int64_t>(random.below(100'000'000'000)));
    WindowCounts counts;
    WindowCounts other;
    WindowCounts all;
    PathTime now{};
    for (int i = 0; i < 2'000; ++i) {
      now += Duration(static_cast<std::int64_t>(random.below(100'000'000)));
      all.add(now);
      if (now < begun) {
        counts.add(now);
      } else {
        other.add(now - begun);
      }
    }
    counts.add(other, begun, now);
    EXPECT_TRUE(counts.is_sound(now));
    for (std::size_t window = 0; window < windows; ++window) {
      const double exact = all.value(window, now);
      // What one part holds may be spread otherwise.
      EXPECT_NEAR(counts.value(window, now), exact, 4 + exact * 0.05) << window;
    }
  }
}

TEST(WindowCounts, AnothersThousandsAreCountedInTheirScale) {
  WindowCounts counts;
  WindowCounts other;
  counts.add(PathTime(5s));
  for (int i = 0; i < 1'000'000; ++i) other.add(PathTime(20s));
  counts.add(other, PathTime(100s), PathTime(121s));
  EXPECT_NEAR(counts.value(minute, PathTime(121s)), 1e6, 64);
  EXPECT_NEAR(counts.value(day, PathTime(121s)), 1e6 + 1, 64);
  EXPECT_TRUE(counts.is_sound(PathTime(121s)));
}

TEST(WindowCounts, WhatAnotherCountedLongAgoIsNot) {
  WindowCounts counts;
  WindowCounts other;
  for (int i = 0; i < 100; ++i) other.add(PathTime(i * 1s));
  counts.add(other, PathTime(0s), PathTime(2h));
  EXPECT_EQ(counts.value(hour, PathTime(2h)), 0.0);
  EXPECT_EQ(counts.value(day, PathTime(2h)), 100.0);
}

TEST(WindowCounts, ClearedWindowForgetsAlone) {
  WindowCounts counts;
  for (int i = 0; i < 100; ++i) counts.add(1s * i);
  counts.clear(day);
  EXPECT_EQ(counts.value(day, PathTime(100s)), 0.0);
  EXPECT_EQ(counts.value(hour, PathTime(100s)), 100.0);
}

}  // namespace
}  // namespace mailweir::pacing
