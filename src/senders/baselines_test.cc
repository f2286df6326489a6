#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

#include "senders/test_network.h"

namespace mailweir::senders {
namespace {

using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;

// --- what all share

class EveryBaseline : public ::testing::TestWithParam<std::string_view> {};

// A receiver that refuses, cuts, bounces and accepts, drawn from the seed.
std::unique_ptr<TestNetwork> troubled_run(std::string_view name, std::uint64_t seed) {
  auto owned = std::make_unique<TestNetwork>(name, Parameters{}, 3);
  TestNetwork& net = *owned;
  auto random = std::make_shared<SeededRandom>(seed);
  net.transaction = [random](std::uint16_t, Instant) -> TestNetwork::Fate {
    switch (random->below(12)) {
      case 0:
        return busy();
      case 1:
        return refused(550, "5.1.1 no such user");
      case 2:
        return {.failure = engine::Failure::closed, .reply = {}};
      case 3:
        return refused(421, "4.3.2 closing");
      default:
        return {};
    }
  };
  net.opening = [random](std::uint16_t, Instant) -> TestNetwork::Fate {
    if (random->below(8) > 0) return {};
    return {.failure = engine::Failure::connect_timeout, .reply = {}, .phase = Phase::connect};
  };
  for (int round = 0; round < 10; ++round) {
    net.send(40, "a.example");
    net.send(10, "b.example");
    net.run_for(30s);
  }
  net.drain(std::chrono::days(10));
  return owned;
}

TEST_P(EveryBaseline, EndsEachRecipientOnceWhateverIsAnswered) {
  const auto run = troubled_run(GetParam(), 7);
  const TestNetwork& net = *run;
  EXPECT_EQ(net.ends.size(), 500u);
  EXPECT_GT(net.ended(Disposition::delivered), 350u);
  EXPECT_GT(net.ended(Disposition::bounced), 10u);
  EXPECT_EQ(net.sender->totals().recipients, 0u);
  EXPECT_EQ(net.sender->totals().sessions, 0u);
}

TEST_P(EveryBaseline, GivesTheSameRunTwice) {
  EXPECT_EQ(troubled_run(GetParam(), 11)->starts, troubled_run(GetParam(), 11)->starts);
}

TEST_P(EveryBaseline, TakesSourcesInTurn) {
  TestNetwork net(GetParam(), {}, 4);
  net.send(40);
  ASSERT_TRUE(net.drain());
  std::array<std::size_t, 4> of_source{};
  for (const auto& start : net.starts) ++of_source.at(start.source);
  EXPECT_THAT(of_source, ElementsAre(10, 10, 10, 10));
}

TEST_P(EveryBaseline, GivesUpWhatHasExpired) {
  TestNetwork net(GetParam());
  net.transaction = [](std::uint16_t, Instant) { return refused(452, "4.2.2 mailbox full"); };
  net.send(3, "a.example", 6h);
  ASSERT_TRUE(net.drain());
  EXPECT_EQ(net.ended(Disposition::expired), 3u);
  EXPECT_GT(net.starts.size(), 3u);
}

INSTANTIATE_TEST_SUITE_P(Baselines, EveryBaseline, ::testing::ValuesIn(baseline_names()),
                         [](const auto& test) {
                           std::string name(test.param);
                           std::erase(name, '-');
                           return name;
                         });

TEST(MakeSender, NamesWhatIsWrong) {
  const provider::Catalogue catalogue;
  const auto error = [&](std::string_view name, const Parameters& parameters) {
    const auto made = make_sender(name, parameters, sources(1), catalogue);
    return made ? std::string("none") : made.error().context;
  };
  EXPECT_THAT(error("sendmail", {}), AllOf(HasSubstr("sendmail"), HasSubstr("kumomta-tsa")));
  EXPECT_THAT(error("aimd", {{"initail", "1/s"}}),
              AllOf(HasSubstr("initail"), HasSubstr("initial")));
  EXPECT_THAT(error("postfix", {{"positive_feedback", "2"}}), HasSubstr("1/concurrency"));
  EXPECT_THAT(error("fixed-rate", {{"rate", "10"}}), HasSubstr("10/s"));
  EXPECT_EQ(error("postfix", {{"minimal_backoff", "10s"}, {"active_limit", "5"}}), "none");
}

// --- fixed-rate

TEST(FixedRate, KeepsItsRateThroughAThrottle) {
  TestNetwork net("fixed-rate", {{"rate", "2/s"}});
  net.transaction = [](std::uint16_t, Instant) { return busy(); };
  net.send(1000);
  net.run_for(100s);
  EXPECT_THAT(net.started(0s, 100s), AllOf(Ge(199u), Le(203u)));
  EXPECT_THAT(net.started(50s, 10s), AllOf(Ge(19u), Le(21u)));
}

TEST(FixedRate, DoublesTheRestOfARefusedMessage) {
  TestNetwork net("fixed-rate", {{"retry_first", "1m"}, {"retry_longest", "5m"}});
  net.transaction = [](std::uint16_t, Instant) { return busy(); };
  net.send(1);
  net.run_for(20min);
  EXPECT_THAT(net.start_seconds(),
              ElementsAre(DoubleNear(0, 1), DoubleNear(60, 1), DoubleNear(180, 1),
                          DoubleNear(420, 1), DoubleNear(720, 1), DoubleNear(1020, 1)));
}

// --- postfix

TEST(Postfix, RetriesWhenTheQueueIsRunAtTheMessagesAge) {
  TestNetwork net("postfix");
  net.transaction = [](std::uint16_t, Instant) { return busy(); };
  net.send(1);
  net.run_for(6h);
  // The age doubles, up to 4000 s; then it waits for a run.
  EXPECT_THAT(net.start_seconds(),
              ElementsAre(DoubleNear(0, 1), DoubleNear(300, 1), DoubleNear(600, 1),
                          DoubleNear(1200, 1), DoubleNear(2400, 1), DoubleNear(4800, 1),
                          DoubleNear(9000, 1), DoubleNear(13200, 1), DoubleNear(17400, 1)));
}

TEST(Postfix, OpensWithFiveAndGrowsToTwenty) {
  TestNetwork net("postfix");
  net.send(500);
  net.run_for(60ms);  // routed, and the first are on their way
  EXPECT_EQ(net.openings.size(), 5u);
  ASSERT_TRUE(net.drain());
  EXPECT_EQ(net.in_flight_most, 20u);
}

TEST(Postfix, GrowsMoreSlowlyByTheInverseOfItsConcurrency) {
  const auto after_a_second = [](const char* feedback) {
    TestNetwork net("postfix", {{"positive_feedback", feedback}});
    net.send(2000);
    net.run_for(300ms);
    return net.in_flight_most;
  };
  EXPECT_EQ(after_a_second("1"), 20u);
  EXPECT_THAT(after_a_second("1/concurrency"), AllOf(Ge(7u), Le(11u)));
}

TEST(Postfix, ARefusalAtMailThrottlesNoSite) {
  TestNetwork net("postfix");
  net.transaction = [](std::uint16_t, Instant) { return busy(); };
  net.send(1000);
  net.run_for(10s);
  EXPECT_EQ(net.starts.size(), 1000u);  // each finds out for itself
  EXPECT_EQ(net.in_flight_most, 20u);
}

TEST(Postfix, AFailedCohortMakesTheSiteDeadForTheMinimalBackoff) {
  TestNetwork net("postfix");
  net.opening = [](std::uint16_t, Instant) -> TestNetwork::Fate {
    return {.failure = engine::Failure::connect_refused, .reply = {}, .phase = Phase::connect};
  };
  net.send(100);
  net.run_for(299s);
  // 1/5 + 1/4 + 1/3 + 1/2 is above one: the fourth failure is the last, one more was under way.
  EXPECT_EQ(net.openings.size(), 5u);
  net.run_for(303s);
  EXPECT_EQ(net.openings.size(), 10u);  // the next run meets it again, five at once
}

TEST(Postfix, ABannerThatRefusesThrottlesTheSite) {
  TestNetwork net("postfix");
  net.opening = [](std::uint16_t, Instant) -> TestNetwork::Fate {
    return {.reply = Reply{421, {}, "4.3.2 try later"}, .phase = Phase::banner};
  };
  net.send(100);
  net.run_for(200s);
  EXPECT_EQ(net.openings.size(), 5u);
}

TEST(Postfix, NewMailAndRetriesTakeTurnsInAFullActiveQueue) {
  TestNetwork net("postfix", {{"active_limit", "10"}});
  bool refuses = true;
  net.transaction = [&](std::uint16_t, Instant) { return refuses ? busy() : TestNetwork::Fate{}; };
  net.send(200);
  net.run_for(10s);
  refuses = false;
  net.run_for(289s);
  const std::size_t before = net.starts.size();
  net.send(200);
  net.run_for(1500ms);  // the run at 300 s falls into it
  std::size_t retries = 0;
  std::size_t fresh = 0;
  for (std::size_t i = before; i < net.starts.size(); ++i)
    ++(net.starts[i].message.value <= 200 ? retries : fresh);
  EXPECT_GT(retries, 30u);
  EXPECT_GT(fresh, 30u);
  EXPECT_TRUE(net.drain());
}

TEST(Postfix, KeepsSessionsWhileMailIsDense) {
  TestNetwork net("postfix");
  net.send(500);
  ASSERT_TRUE(net.drain());
  EXPECT_LE(net.openings.size(), 25u);
  TestNetwork sparse("postfix");
  for (int i = 0; i < 10; ++i) {
    sparse.send(1);
    sparse.run_for(10s);
  }
  EXPECT_EQ(sparse.openings.size(), 10u);
}

// --- powermta

TEST(PowerMta, APatternSlowsTheQueueDownUntilItsTimeIsOver) {
  TestNetwork net("powermta", {{"rate", "2/s"}});
  net.transaction = [](std::uint16_t, Instant at) {
    return at < TestNetwork::begin + 10s ? busy() : TestNetwork::Fate{};
  };
  net.send(10000);
  net.run_for(2h);
  EXPECT_LE(net.started(0s, 60s), 4u);
  EXPECT_THAT(net.started(10min, 30min), AllOf(Ge(29u), Le(31u)));
  EXPECT_THAT(net.started(65min, 30min), AllOf(Ge(3590u), Le(3610u)));
}

TEST(PowerMta, MayReturnAtTheFirstDelivery) {
  TestNetwork net("powermta", {{"rate", "2/s"}, {"normal_after_delivery", "true"}});
  net.transaction = [](std::uint16_t, Instant at) {
    return at < TestNetwork::begin + 150s ? busy() : TestNetwork::Fate{};
  };
  net.send(10000);
  net.run_for(10min);
  EXPECT_LE(net.started(10s, 140s), 3u);
  EXPECT_THAT(net.started(5min, 1min), AllOf(Ge(119u), Le(121u)));
}

TEST(PowerMta, AReplyOutsideItsPatternsIsTheMessagesAffair) {
  TestNetwork net("powermta", {{"rate", "2/s"}});
  net.transaction = [](std::uint16_t, Instant) { return refused(451, "4.3.0 come again"); };
  net.send(10000);
  net.run_for(10min);
  EXPECT_GE(net.starts.size(), 1190u);
}

// --- kumomta-tsa

TEST(KumoMtaTsa, OneAMinuteForNinetyMinutesThenItSnapsBack) {
  TestNetwork net("kumomta-tsa", {{"rate", "5/s"}});
  net.transaction = [](std::uint16_t, Instant at) {
    return at < TestNetwork::begin + 5s ? busy() : TestNetwork::Fate{};
  };
  net.send(30000);
  net.run_for(2h);
  EXPECT_THAT(net.started(5min, 80min), AllOf(Ge(79u), Le(81u)));
  EXPECT_THAT(net.started(91min, 10min), AllOf(Ge(2990u), Le(3010u)));
}

TEST(KumoMtaTsa, ASuspendedSourceIsPassedOver) {
  TestNetwork net("kumomta-tsa", {{"action", "suspend"}, {"duration", "30m"}}, 2);
  net.transaction = [](std::uint16_t source, Instant) {
    return source == 0 ? busy() : TestNetwork::Fate{};
  };
  for (int i = 0; i < 100; ++i) {
    net.send(10);
    net.run_for(10s);
  }
  const auto of_first = std::count_if(net.starts.begin(), net.starts.end(),
                                      [](const auto& start) { return start.source == 0; });
  EXPECT_LE(of_first, 10);
  EXPECT_GE(net.ended(Disposition::delivered), 980u);
}

TEST(KumoMtaTsa, SuspensionBurnsTheRetriesOfWhatWaits) {
  TestNetwork net("kumomta-tsa", {{"action", "suspend"}, {"duration", "30m"}});
  net.transaction = [](std::uint16_t, Instant at) {
    return at < TestNetwork::begin + 5s ? busy() : TestNetwork::Fate{};
  };
  net.send(100);
  net.run_for(59min);
  EXPECT_EQ(net.ended(Disposition::delivered), 0u);  // put off at 20 min, then for 40 more
  net.run_for(2min);
  EXPECT_GT(net.ended(Disposition::delivered), 80u);
}

TEST(KumoMtaTsa, RulesSeeNothingOfARefusingBanner) {
  TestNetwork net("kumomta-tsa");
  net.opening = [](std::uint16_t, Instant) -> TestNetwork::Fate {
    return {.reply = Reply{421, {}, "4.7.0 Server busy"}, .phase = Phase::banner};
  };
  net.send(90);
  net.run_for(10s);
  EXPECT_EQ(net.openings.size(), 90u);
}

// --- aimd

TEST(Aimd, HalvesAtARefusalAndRisesWhilePressed) {
  TestNetwork net("aimd", {{"initial", "8/s"}, {"step", "30/min"}});
  net.transaction = [](std::uint16_t, Instant at) {
    const bool refuses = at >= TestNetwork::begin + 20s && at < TestNetwork::begin + 20s + 200ms;
    return refuses ? busy() : TestNetwork::Fate{};
  };
  net.send(10000);
  net.run_for(10min);
  const std::size_t before = net.started(10s, 10s);
  EXPECT_THAT(before, AllOf(Ge(78u), Le(84u)));
  EXPECT_THAT(net.started(21s, 10s), AllOf(Ge(before * 4 / 10), Le(before * 6 / 10)));
  // Half a message a second more every minute.
  EXPECT_THAT(net.started(261s, 10s), AllOf(Ge(58u), Le(66u)));
}

TEST(Aimd, TimeWithoutPressureSaysNothingAboutTheLimit) {
  TestNetwork net("aimd", {{"initial", "1/s"}, {"step", "60/min"}});
  for (int i = 0; i < 100; ++i) {
    net.send(1);
    net.run_for(10s);
  }
  net.starts.clear();
  net.send(100);
  net.run_for(10s);
  EXPECT_LE(net.starts.size(), 14u);
}

}  // namespace
}  // namespace mailweir::senders
