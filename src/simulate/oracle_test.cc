#include "simulate/oracle.h"

#include <gtest/gtest.h>

#include "simulate/test_scenario.h"

namespace mailweir::simulate {
namespace {

using namespace std::chrono_literals;

Scenario with_sources(std::uint16_t count) {
  Scenario scenario = small_scenario();
  scenario.engine.sources.clear();
  for (std::uint16_t i = 1; i <= count; ++i) {
    scenario.engine.sources.push_back(
        {.name = "s" + std::to_string(i), .ipv4 = "192.0.2." + std::to_string(i)});
  }
  return scenario;
}

struct World {
  explicit World(world::ModelParameters model, std::uint16_t sources = 1)
      : scenario(with_sources(sources)) {
    const world::ReceiverSpec spec{"test", "", {{"only", std::move(model)}}};
    receivers.push_back(world::make_receiver(spec, 1, Instant{}));
    twins.push_back(world::make_receiver(spec, 1, Instant{}));
  }
  // Recipients delivered in `span`, of which `arriving` come in each step of ten seconds.
  double flow(Duration span, double arriving) {
    double sum = 0;
    for (const Instant end = now + span; now < end;) {
      now += 10s;
      sum += oracle.step(0, 10s, arriving, 1, now);
    }
    return sum;
  }

  Scenario scenario;
  Atlas atlas{scenario};
  Oracle::Receivers receivers;
  Oracle::Receivers twins;
  Oracle oracle{atlas, receivers, twins};
  Instant now{};
};

TEST(Oracle, WithoutALimitDeliversWhatComes) {
  World world(world::VanishParameters{});
  EXPECT_DOUBLE_EQ(world.flow(1min, 7), 42.0);
}

TEST(Oracle, FlowsAtTheRateOfABucket) {
  World world(world::BucketParameters{.rate = {2, 1s}});
  EXPECT_DOUBLE_EQ(world.flow(1h, 50), 7'200.0);
}

TEST(Oracle, UsesUpADaysQuotaAndWaitsForTheNext) {
  World world(world::QuotaParameters{.messages = 1'000, .turn = 2h});
  EXPECT_DOUBLE_EQ(world.flow(2h - 10s, 20), 1'000.0);
  EXPECT_DOUBLE_EQ(world.flow(1h, 0), 1'000.0);
}

TEST(Oracle, SourcesThatShareACountDoNotHaveItTwice) {
  World world(
      world::WindowParameters{.messages = 600, .length = 1h, .scope = world::Scope::network}, 4);
  EXPECT_NEAR(world.flow(1h - 10s, 20), 600, 4);
}

TEST(Oracle, AWarmUpGrowsUnderIt) {
  World world(world::ReputationParameters{
      .first = 80, .cold = *Networks::parse(std::vector<std::string>{"0.0.0.0/0"})});
  EXPECT_NEAR(world.flow(24h - 10s, 10), 80, 1.1);
  EXPECT_NEAR(world.flow(24h, 10), 160, 1.1);
}

}  // namespace
}  // namespace mailweir::simulate
