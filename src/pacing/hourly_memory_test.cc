#include "pacing/hourly_memory.h"

#include <gtest/gtest.h>

namespace mailweir::pacing {
namespace {

using namespace std::chrono_literals;
using std::chrono::hours;

// Time passes for a memory, five seconds at a time.
class Passing {
 public:
  void carry(PathSecond time, float pace) {
    for (const PathSecond end = now + time; now < end;) {
      step();
      memory.note_carried(pace, 5s);
    }
  }
  void idle(PathSecond time) {
    for (const PathSecond end = now + time; now < end;) step();
  }
  float rate_at(PathSecond hour_of_day) const { return memory.rate(hour_of_day + 30min); }

  HourlyMemory memory;
  PathSecond now{};

 private:
  void step() {
    memory.advance(now, now + PathSecond(5));
    now += PathSecond(5);
  }
};

TEST(HourlyMemory, AnHourIsKnownOnTheNextDay) {
  Passing path;
  path.carry(1h, 0.5F);
  EXPECT_EQ(path.memory.rate(path.now), 0);
  path.carry(1h, 0.25F);
  path.idle(22h);
  EXPECT_NEAR(path.rate_at(0h), 0.5F, 0.01F);
  EXPECT_NEAR(path.rate_at(1h), 0.25F, 0.01F);
  EXPECT_EQ(path.rate_at(2h), 0);
  EXPECT_NEAR(path.memory.rate(1h), 0.375F, 0.01F);  // half way between the two
  EXPECT_NEAR(path.memory.change(30min, 90min), 0.5F, 0.02F);
  EXPECT_EQ(path.memory.change(30min, 3h), 1);
}

// The path's time of an image may lie before its zero, and an hour begins there as it does after
// it.
TEST(HourlyMemory, TimeBeforeZeroIsTimeAsWell) {
  Passing path;
  path.now = -PathSecond(100h);
  path.carry(1h, 0.5F);
  path.idle(2h);
  for (PathSecond at = -PathSecond(60h); at < 60h; at += PathSecond(10min)) {
    const bool is_its_hour = (at.count() + 100 * 3'600) % (24 * 3'600) < 3'600;
    if (is_its_hour) {
      EXPECT_NEAR(path.memory.rate(at), 0.5F, 0.02F) << at.count();
    } else {
      EXPECT_EQ(path.memory.rate(at), 0) << at.count();
    }
  }
}

TEST(HourlyMemory, AnHourWithoutPressureTeachesNothing) {
  Passing path;
  path.carry(1h, 0.5F);
  path.idle(23h);
  path.carry(10min, 2.0F);
  path.idle(24h);
  EXPECT_NEAR(path.rate_at(0h), 0.5F, 0.01F);
}

TEST(HourlyMemory, NearRatesAreBlendedOthersReplaced) {
  Passing path;
  path.carry(2h, 1.0F);
  path.idle(22h);
  path.carry(1h, 1.2F);
  path.carry(1h, 0.4F);
  path.idle(22h);
  EXPECT_NEAR(path.rate_at(0h), 1.1F, 0.03F);
  EXPECT_NEAR(path.rate_at(1h), 0.4F, 0.01F);
}

TEST(HourlyMemory, TheLastHourTellsHowTodayComparesWithBefore) {
  Passing path;
  path.carry(3h, 1.0F);
  path.idle(21h);
  path.carry(1h, 0.5F);
  EXPECT_NEAR(path.memory.today(path.now), 0.5F, 0.02F);
  EXPECT_NEAR(path.memory.rate(path.now), 1.0F, 0.02F);  // of one day, not half of each
  path.carry(1h, 3.0F);
  EXPECT_EQ(path.memory.today(path.now), 1);  // more is found by probing
  path.idle(1h);
  EXPECT_EQ(path.memory.today(path.now), 1);
}

TEST(HourlyMemory, KeepsRatesOfAnySizeOverFourOctaves) {
  for (const float unit : {2e-3F, 0.7F, 9e3F}) {
    Passing path;
    path.carry(1h, unit);
    path.carry(1h, 12 * unit);
    path.carry(1h, 100 * unit);
    path.idle(22h);
    EXPECT_NEAR(path.rate_at(2h) / unit, 100, 4);
    EXPECT_NEAR(path.rate_at(1h) / unit, 12, 0.4F);
    EXPECT_GT(path.rate_at(0h), unit);  // the least it can say
  }
}

TEST(HourlyMemory, ARefusalIsKeptWithItsHourOnceThatIsKnown) {
  Passing path;
  path.memory.note_refused(10min);
  EXPECT_FALSE(path.memory.was_refused(20min));
  path.carry(2h, 0.5F);
  path.idle(22h);
  EXPECT_TRUE(path.memory.was_refused(path.now));
  EXPECT_FALSE(path.memory.was_refused(path.now + 1h));
}

}  // namespace
}  // namespace mailweir::pacing
