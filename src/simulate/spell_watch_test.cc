#include "simulate/spell_watch.h"

#include <gtest/gtest.h>

#include <map>

#include "simulate/meter.h"
#include "simulate/test_scenario.h"

namespace mailweir::simulate {
namespace {

using namespace std::chrono_literals;

// A receiver of which a test says what state it is in.
class Told final : public world::Receiver {
 public:
  struct State {
    bool is_penalized = false;
    std::map<std::string, std::uint64_t> trips;  // by address
  };
  explicit Told(const State& state) : state_(state) {}

  world::Answer connect(world::Visit&, Instant) override { return {}; }
  world::Answer ehlo(world::Visit&, Instant) override { return {}; }
  world::Answer tls(world::Visit&, Instant) override { return {}; }
  world::Answer mail(world::Visit&, std::string_view, Instant) override { return {}; }
  world::Answer rcpt(world::Visit&, std::string_view, Instant) override { return {}; }
  world::Answer data(world::Visit&, Instant) override { return {}; }
  world::Answer end_of_data(world::Visit&, const world::ContentFacts&, Instant) override {
    return {};
  }
  void leave(world::Visit&, Instant) override {}
  double limit(const IpAddress&, Instant) const override { return world::unlimited; }
  bool is_penalized(const IpAddress&, Instant) const override { return state_.is_penalized; }
  std::uint64_t trips(const IpAddress& source) const override {
    const auto found = state_.trips.find(to_string(source));
    return found == state_.trips.end() ? 0 : found->second;
  }
  bool control(Control, const IpAddress&, Instant) override { return false; }

 private:
  const State& state_;
};

// Two sources, one provider; a window of 10 s.
struct Watched {
  static SpellWatch::Receivers telling(const Told::State& state) {
    SpellWatch::Receivers receivers;
    receivers.push_back(std::make_unique<Told>(state));
    return receivers;
  }
  static Scenario two_sources() {
    Scenario scenario = small_scenario();
    scenario.engine.sources = {{.name = "a", .ipv4 = "192.0.2.1"},
                               {.name = "b", .ipv4 = "192.0.2.2"}};
    scenario.engine.pools = {{"main", {0, 1}}};
    return scenario;
  }
  void window() { spells.on_window(now += 10s, {1}); }
  Measures measures() const {
    RunResult result;
    meter.fill(result);
    return result.measures;
  }

  Scenario scenario = two_sources();
  Atlas atlas{scenario};
  Told::State state;
  Told::State untouched;
  SpellWatch::Receivers receivers = telling(state);
  SpellWatch::Receivers twins = telling(untouched);
  Oracle oracle{atlas, receivers, twins};
  SpellWatch spells{atlas, receivers, 10s};
  Meter meter{scenario, atlas, oracle, spells, 10s, Instant{}};
  Instant now{};
};

TEST(SpellWatch, WhoKeepsConnectingInVainHasNotNoticed) {
  Watched watched;
  for (int w = 0; w < 10; ++w) {
    watched.spells.attempted(0, 20);
    watched.window();
  }
  watched.state.is_penalized = true;
  for (int w = 0; w < 10; ++w) {
    for (int i = 0; i < 20; ++i) watched.meter.connection_failed(0, 1, watched.now);
    watched.window();
  }
  EXPECT_EQ(watched.measures().spells, 1U);
  EXPECT_EQ(watched.measures().spells_detected, 0U);
  for (int w = 0; w < 2; ++w) watched.window();
  EXPECT_EQ(watched.measures().spells_detected, 1U);
  EXPECT_EQ(watched.measures().detect_mean, 100s);
}

TEST(SpellWatch, OnlyTripsOfHealthySourcesAfterTheHarmAreBurns) {
  Watched watched;
  watched.state.trips = {{"192.0.2.1", 3}, {"192.0.2.2", 4}};
  for (int w = 0; w < 3; ++w) watched.window();
  watched.state.trips["192.0.2.2"] = 5;  // in the window of the harm, but before it
  watched.spells.mark_harmed(0);
  watched.state.trips["192.0.2.1"] = 9;  // harmed: its trips are the scenario's
  watched.window();
  EXPECT_EQ(watched.measures().healthy_burns, 0U);
  watched.state.trips["192.0.2.2"] = 7;
  watched.window();
  EXPECT_EQ(watched.measures().healthy_burns, 2U);
  watched.state.trips["192.0.2.2"] = 8;  // the run ends before the window does
  watched.spells.on_end();
  EXPECT_EQ(watched.measures().healthy_burns, 3U);
}

TEST(Meter, ABounceByAPenaltyIsWastedAndBeginsASpell) {
  Watched watched;
  engine::TransactionDone done;
  done.results.emplace_back().reply = {550, EnhancedStatus{5, 7, 1}, "blocked"};
  watched.meter.transaction(0, done, watched.now);
  EXPECT_EQ(watched.measures().wasted_per_1000, 0);
  watched.state.is_penalized = true;
  watched.meter.transaction(0, done, watched.now);
  EXPECT_EQ(watched.measures().penalty_bounces, 1U);
  EXPECT_EQ(watched.measures().wasted_per_1000, 1000);
  EXPECT_EQ(watched.measures().spells, 1U);
  done.results.front().reply = {550, EnhancedStatus{5, 1, 1}, "unknown user"};
  watched.meter.transaction(0, done, watched.now);
  EXPECT_EQ(watched.measures().penalty_bounces, 1U);
}

TEST(Meter, ADeliveryThatACrashForgotIsOneSampleTheFirst) {
  Watched watched;
  const engine::Settle end{.message = MessageId{1}};
  watched.meter.accepted(0, {0});
  watched.meter.settled(end, 0, 0, 1s);
  watched.meter.crashed();
  watched.meter.forgotten({.disposition = Disposition::delivered}, 0, 0);
  watched.meter.settled(end, 0, 0, 10s);
  watched.meter.flushed();
  RunResult result;
  watched.meter.fill(result);
  EXPECT_EQ(result.counts.delivered, 1U);
  EXPECT_EQ(result.delays.count, 1U);
  EXPECT_EQ(result.delays.max, 1s);
}

TEST(Meter, ABounceOfAPenaltyIsNoSuccess) {
  Watched watched;
  const auto bounce = [&watched](std::uint64_t message, std::uint16_t code) {
    watched.meter.accepted(0, {0});
    engine::TransactionDone done{.message = {message}};
    engine::RecipientResult& result = done.results.emplace_back();
    result.reply = Reply{code, EnhancedStatus{5, 7, 606}, "Access denied"};
    watched.meter.transaction(0, done, watched.now);
    watched.meter.settled({.message = {message}, .disposition = Disposition::bounced}, 0, 0, 0s);
    watched.meter.on_step(watched.now += 10s, [](std::uint32_t) { return false; });
    return watched.measures();
  };
  bounce(1, 550);
  EXPECT_DOUBLE_EQ(*watched.measures().regret_percent, 0.0);
  watched.state.is_penalized = true;
  EXPECT_EQ(bounce(2, 550).penalty_bounces, 1U);
  EXPECT_GT(*watched.measures().regret_percent, 0.0);
}

}  // namespace
}  // namespace mailweir::simulate
