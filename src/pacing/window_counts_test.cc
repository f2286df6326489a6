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

TEST(WindowCounts, ClearedWindowForgetsAlone) {
  WindowCounts counts;
  for (int i = 0; i < 100; ++i) counts.add(1s * i);
  counts.clear(day);
  EXPECT_EQ(counts.value(day, PathTime(100s)), 0.0);
  EXPECT_EQ(counts.value(hour, PathTime(100s)), 100.0);
}

}  // namespace
}  // namespace mailweir::pacing
