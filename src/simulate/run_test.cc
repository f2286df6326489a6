#include "simulate/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulate/compare.h"
#include "simulate/print_run.h"
#include "simulate/test_scenario.h"

namespace mailweir::simulate {
namespace {

using namespace std::chrono_literals;

std::string text_of(const RunResult& result) {
  std::string text;
  for (const Violation& violation : result.violations) {
    text += violation.what + "\n";
    for (const std::string& line : violation.last_events) text += "  " + line + "\n";
  }
  for (const std::string& sentence : result.unmet) text += sentence + "\n";
  return text;
}

TEST(Run, APlainReceiverGetsEverythingAtOnce) {
  const RunResult result = play(small_scenario());
  EXPECT_TRUE(result.passed()) << text_of(result);
  EXPECT_NEAR(static_cast<double>(result.counts.accepted), 1200, 150);
  EXPECT_EQ(result.counts.delivered, result.counts.accepted);
  EXPECT_EQ(result.measures.refused, 0U);
  EXPECT_LT(result.delays.max, 1s);
  EXPECT_GT(result.delays.p50, 20ms);
  EXPECT_LT(result.measures.regret_percent.value(), 1);
}

TEST(Run, TheSameSeedGivesTheSameBytes) {
  std::string first;
  std::string second;
  std::string other;
  play(small_scenario(), 7, &first);
  play(small_scenario(), 7, &second);
  play(small_scenario(), 8, &other);
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(first, second);
  EXPECT_NE(first, other);
}

TEST(Run, TheSameSeedGivesTheSameBytesUnderFaults) {
  Scenario scenario = small_scenario("greylister");
  scenario.faults = {
      {.kind = Fault::Kind::crash, .every = 2min, .takes = 10s},
      {.kind = Fault::Kind::dns, .at = 1min, .to = 3min, .share = 0.5},
      {.kind = Fault::Kind::outage, .at = 4min, .to = 5min},
      {.kind = Fault::Kind::clock, .at = 6min, .by = -1h},
  };
  std::string first;
  std::string second;
  const RunResult result = play(scenario, 3, &first);
  play(scenario, 3, &second);
  EXPECT_TRUE(result.passed()) << text_of(result);
  EXPECT_THAT(first, testing::HasSubstr("crash"));
  EXPECT_THAT(first, testing::HasSubstr("restart"));
  EXPECT_EQ(first, second);
}

TEST(Run, ACrashLosesNothingAndMayDeliverTwice) {
  Scenario scenario = small_scenario("plain", 10min, {100, 1s});
  for (int i = 1; i < 60; ++i)
    scenario.faults.push_back({.kind = Fault::Kind::crash, .at = i * 10s, .takes = 1s});
  const RunResult result = play(scenario);
  EXPECT_TRUE(result.passed()) << text_of(result);
  EXPECT_EQ(result.counts.delivered, result.counts.accepted);
  EXPECT_GT(result.measures.crash_duplicates, 0U);
  EXPECT_EQ(result.delays.count, result.counts.delivered);
  EXPECT_EQ(result.classes.front().delays.count, result.counts.delivered);
}

TEST(Run, AnOverloadedLimitShowsInRegretOnlyAsFarAsItIsTheSenders) {
  const Scenario scenario = small_scenario("microsoft365", 30min, {50, 1s});
  const RunResult result = play(scenario);
  EXPECT_TRUE(result.passed()) << text_of(result);
  EXPECT_GT(result.measures.trips, 0U);
  EXPECT_GT(result.measures.wasted_per_1000, 10);
  EXPECT_GT(result.measures.regret_percent.value(), 5);
  EXPECT_GT(result.measures.penalty_share, 0.1);
}

// All that is tried is in vain, and no sender could do better.
TEST(Run, TheCampaignThatTripsAPathIsNamedAndSlowed) {
  Scenario scenario = small_scenario("microsoft365", 3h, {1, 1s});
  scenario.engine.pacing.learns = true;
  scenario.workloads.front().tenants = {{"shop", 1}};
  Workload offer = scenario.workloads.front();
  offer.campaign = "june";
  offer.from = 2h;
  offer.rate = Rate{20, 1s};
  scenario.workloads.push_back(offer);
  const RunResult result = play(scenario);
  EXPECT_TRUE(result.violations.empty()) << text_of(result);
  const auto told = [&](engine::Notice::Kind kind, std::string_view cell) {
    return std::ranges::any_of(result.notices, [&](const NoticeAt& at) {
      return at.notice.kind == kind && at.notice.cell == cell &&
             at.notice.suspect.tenant == "shop" && at.notice.suspect.campaign == "june";
    });
  };
  EXPECT_TRUE(told(engine::Notice::Kind::throttle_detected, ""));
  EXPECT_TRUE(told(engine::Notice::Kind::step, "campaign shop/june"));
}

TEST(Run, UnderABlockForEverAllIsWastedAndThereIsNoOracle) {
  Scenario scenario = small_scenario("microsoft365", 10min);
  scenario.drain = 0s;
  scenario.faults = {{.kind = Fault::Kind::block}};
  const RunResult result = play(scenario);
  EXPECT_EQ(result.counts.delivered, 0U);
  EXPECT_GT(result.measures.connections_failed, 1U);
  EXPECT_EQ(result.measures.wasted_per_1000,
            1000.0 * static_cast<double>(result.measures.connections_failed));
  EXPECT_FALSE(result.measures.regret_percent);
  EXPECT_THAT(run_text(result, ReportLanguage::english), testing::HasSubstr("of the oracle — ("));
  EXPECT_THAT(run_json(result), testing::HasSubstr("\"regret_percent\":null"));
  EXPECT_THAT(comparison_json({&result, 1}), testing::HasSubstr("\"of_oracle_percent\":null"));
}

TEST(Run, AFaultThatEndsLeavesOneThatOverlapsIt) {
  for (const Fault::Kind kind : {Fault::Kind::dns, Fault::Kind::outage}) {
    Scenario scenario = small_scenario();
    scenario.workloads.front().from = 210s;
    scenario.faults = {{.kind = kind, .at = 1min, .to = 5min},
                       {.kind = kind, .at = 2min, .to = 3min, .share = 0.5}};
    const RunResult result = play(scenario);
    EXPECT_TRUE(result.passed()) << text_of(result);
    std::size_t at = 0;
    for (const PathSample& sample : result.providers.front().series) {
      if (++at * result.step <= 5min) EXPECT_EQ(sample.delivered, 0U);
    }
  }
}

TEST(Run, AnUnmetExpectationFailsTheRun) {
  Scenario scenario = small_scenario();
  scenario.expectations = {{.delay_max = 1ms}};
  const RunResult result = play(scenario);
  EXPECT_FALSE(result.passed());
  EXPECT_EQ(result.violations_total, 0U);
  EXPECT_THAT(result.unmet, testing::ElementsAre(testing::HasSubstr("delay_max")));
}

TEST(Run, ABaselinePlaysToo) {
  Scenario scenario = small_scenario();
  scenario.sender = "postfix";
  const RunResult result = play(scenario);
  EXPECT_TRUE(result.passed()) << text_of(result);
  EXPECT_EQ(result.counts.delivered, result.counts.accepted);
}

TEST(Run, AnUnknownSenderIsAnError) {
  Scenario scenario = small_scenario();
  scenario.sender = "sendmail";
  EXPECT_FALSE(run(scenario, {}));
}

}  // namespace
}  // namespace mailweir::simulate
