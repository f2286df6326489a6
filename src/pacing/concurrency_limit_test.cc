#include <gtest/gtest.h>

#include "pacing/test_path.h"

namespace mailweir::pacing {
namespace {

using namespace std::chrono_literals;

TEST(ConcurrencyLimit, TooManyConnectionsCutConcurrencyAlone) {
  TestPath path = used_path({.start_rate = 100});
  const Change change = path.controller.on_end(
      path.now, {.signal = Signal::connection_limit, .started = path.now, .in_flight = 6});
  EXPECT_EQ(change, Change::concurrency_cut);
  EXPECT_EQ(path.controller.mode(), Mode::open);
  EXPECT_EQ(path.controller.state(path.now).concurrency, 5U);
  EXPECT_EQ(path.controller.ask(path.now + 3s, 5, {}).binding, Binding::concurrency);
  EXPECT_LE(path.controller.ask(path.now + 3s, 4, {}).at, path.now + 3s);
  EXPECT_GT(path.controller.ask(path.now, 0, {}).at, path.now);  // a pause
}

TEST(ConcurrencyLimit, CutConcurrencyIsTriedAgainWhereItBinds) {
  TestPath path = used_path({.start_rate = 100});
  path.controller.on_end(path.now,
                         {.signal = Signal::connection_limit, .started = path.now, .in_flight = 6});
  for (Duration passed{}; passed < 11min; passed += 10s)
    path.controller.ask(path.now + passed, 5, {});
  EXPECT_EQ(path.controller.state(path.now + 11min).concurrency, 6U);
}

TEST(ConcurrencyLimit, ConnectionsGrowWhereTheyStayShort) {
  TestPath path;
  EXPECT_EQ(path.controller.connections_most(), 4U);
  // Short for less than the time of many answers, again and again: peaks of arrivals.
  const auto be_short_for = [&](Duration length) {
    for (const Instant until = path.now + length; path.now < until; path.now += 5s) {
      path.controller.note_connections_short(path.now);
      path.controller.ask(path.now, 0, {});
    }
  };
  for (int peak = 0; peak < 20; ++peak) {
    be_short_for(60s);
    path.now += 5min;
  }
  EXPECT_EQ(path.controller.connections_most(), 4U);
  be_short_for(95s);
  EXPECT_EQ(path.controller.connections_most(), 6U);
  be_short_for(1h);
  EXPECT_GT(path.controller.connections_most(), 1000U);
  path.controller.on_end(path.now,
                         {.signal = Signal::connection_limit, .started = path.now, .in_flight = 8});
  EXPECT_EQ(path.controller.connections_most(), 7U);
}

TEST(ConcurrencyLimit, AKnownRateAndARelayOfOurOwnNeedNotGrowTheirConnections) {
  EXPECT_EQ(TestPath({.start_rate = 100}).controller.connections_most(), 70U);
  EXPECT_GT(TestPath({.grows_freely = true}).controller.connections_most(), 1000U);
}

}  // namespace
}  // namespace mailweir::pacing
