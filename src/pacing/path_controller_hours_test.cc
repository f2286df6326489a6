// A limit that follows the hour of the day: what a path remembers of yesterday, and when it is not
// believed.
#include <gtest/gtest.h>

#include "pacing/test_path.h"

namespace mailweir::pacing {
namespace {

using namespace std::chrono_literals;

constexpr double high = 1.0;
constexpr double low = 0.4;

// A bucket of thirty messages; its rate is `low` from six to twelve, else `high`.
class DailyLimit {
 public:
  explicit DailyLimit(const TestPath& path) : path_(path) {}

  double factor = 1.0;
  int refusals = 0;

  Signal operator()() {
    const Duration time = path_.now - TestPath::start;
    const auto hour_of_day = std::chrono::floor<std::chrono::hours>(time).count() % 24;
    const double rate = factor * (hour_of_day >= 6 && hour_of_day < 12 ? low : high);
    const double since = std::chrono::duration<double>(path_.now - last_).count();
    last_ = path_.now;
    level_ = std::min(30.0, level_ + rate * since);
    if (level_ < 1) {
      ++refusals;
      return Signal::throttled;
    }
    level_ -= 1;
    return Signal::accepted;
  }

 private:
  const TestPath& path_;
  Instant last_ = TestPath::start;
  double level_ = 30;
};

class PathHours : public testing::Test {
 protected:
  void press_until(Duration time) {
    path_.send_until(TestPath::start + time, 250ms, [this] { return limit_(); });
  }
  double pace() const { return path_.controller.state(path_.now).pace; }
  double hour_rate() const { return path_.controller.state(path_.now).hour_rate; }
  int refusals_until(Duration time) {
    const int before = limit_.refusals;
    press_until(time);
    return limit_.refusals - before;
  }

  TestPath path_{LearningSettings{.start_rate = 0.6}};
  DailyLimit limit_{path_};
};

TEST_F(PathHours, NothingIsRememberedOnTheFirstDay) {
  for (int hour = 0; hour < 24; ++hour) {
    press_until(std::chrono::hours(hour) + 30min);
    EXPECT_EQ(hour_rate(), 0) << hour;
  }
  press_until(26h);
  EXPECT_NEAR(hour_rate(), high, 0.2);
}

TEST_F(PathHours, ARememberedFallCostsFewerRefusals) {
  press_until(4h);
  const int first_day = refusals_until(8h);
  press_until(28h);
  EXPECT_LT(refusals_until(32h), first_day);
}

TEST_F(PathHours, ALimitThatHasFallenForGoodBeatsTheMemory) {
  press_until(37h);
  limit_.factor = 0.5;
  press_until(39h);
  EXPECT_LT(pace(), 0.6 * high);
  EXPECT_GT(pace(), 0.35 * high);
  // The hours that follow are remembered as high, and not gone up to.
  EXPECT_GT(hour_rate(), 0.8 * high);
  EXPECT_LT(refusals_until(47h), 60);
  EXPECT_LT(pace(), 0.6 * high);
}

TEST_F(PathHours, WhatAnHourBoreOutlivesARestart) {
  press_until(26h);
  const double known = hour_rate();
  const Instant later = path_.now + 24h;  // a day without mail
  auto restored = PathController::restore(path_.controller.save(path_.now), {}, 24h, later);
  ASSERT_TRUE(restored);
  EXPECT_GT(known, 0);
  EXPECT_EQ(restored->state(later).hour_rate, known);
  EXPECT_EQ(restored->save(later).substr(9), path_.controller.save(path_.now).substr(9));
}

}  // namespace
}  // namespace mailweir::pacing
