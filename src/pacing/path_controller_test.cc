#include "pacing/path_controller.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "pacing/test_path.h"

namespace mailweir::pacing {
namespace {

using namespace std::chrono_literals;

// Held, then released and verified.
void trip_and_recover(TestPath& path, Duration refused_for) {
  path.attempt(Signal::throttled);
  const Instant until = path.now + refused_for;
  while (path.controller.mode() != Mode::open) {
    path.wait_for_permit();
    path.attempt(path.now < until ? Signal::throttled : Signal::accepted);
  }
}

TEST(PathController, FirstRefusalOfThePathHoldsIt) {
  TestPath path = used_path();
  EXPECT_EQ(path.attempt(Signal::throttled), Change::held);
  EXPECT_EQ(path.controller.mode(), Mode::held);
  const Permit permit = path.controller.ask(path.now, 0, {});
  EXPECT_EQ(permit.binding, Binding::hold);
  EXPECT_GE(permit.at - path.now, 3s);
  EXPECT_LE(permit.at - path.now, 17s);
}

TEST(PathController, TroubleOfRecipientsNeverMovesThePath) {
  TestPath path = used_path();
  const LearnedState before = path.controller.state(path.now);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(path.attempt(Signal::answered), Change::none);
  const LearnedState after = path.controller.state(path.now);
  EXPECT_EQ(after.mode, Mode::open);
  EXPECT_EQ(after.episodes, 0U);
  EXPECT_EQ(after.demonstrated, before.demonstrated);
}

TEST(PathController, OwnTroubleNeverMovesThePath) {
  TestPath path = used_path();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(path.attempt(Signal::local), Change::none);
  EXPECT_EQ(path.controller.mode(), Mode::open);
}

TEST(PathController, OneCanaryAtATimeWhileHeld) {
  TestPath path = used_path();
  path.attempt(Signal::throttled);
  path.wait_for_permit();
  path.controller.on_start(path.now);
  const Permit permit = path.controller.peek(path.now, 1, {});
  EXPECT_GT(permit.at, path.now);
  EXPECT_EQ(permit.binding, Binding::canary);
}

TEST(PathController, RefusedCanariesComeMoreAndMoreSeldom) {
  TestPath path = used_path();
  path.attempt(Signal::throttled);
  Duration last{};
  for (int i = 0; i < 6; ++i) {
    const Instant from = path.now;
    path.wait_for_permit();
    EXPECT_GT(path.now - from, last * 3 / 2);
    last = path.now - from;
    EXPECT_EQ(path.attempt(Signal::throttled), Change::canary_refused);
  }
  for (int i = 0; i < 20; ++i) {
    path.wait_for_permit();
    path.attempt(Signal::throttled);
  }
  const Instant from = path.now;
  path.wait_for_permit();
  EXPECT_LE(path.now - from, 66min);
}

TEST(PathController, ADayOfRefusalsCostsFewCanaries) {
  TestPath path = used_path();
  const int started = path.send_for(24h, 1s, Signal::throttled);
  EXPECT_LE(started, 40);
  EXPECT_GE(started, 20);
}

TEST(PathController, AcceptedCanaryReleasesIntoARampThatTwelveAcceptsOpen) {
  TestPath path = used_path();
  path.attempt(Signal::throttled);
  path.wait_for_permit();
  EXPECT_EQ(path.attempt(Signal::accepted), Change::released);
  EXPECT_EQ(path.controller.mode(), Mode::ramp);
  for (int i = 0; i < 11; ++i) {
    path.wait_for_permit();
    EXPECT_EQ(path.attempt(Signal::accepted), Change::none);
  }
  path.wait_for_permit();
  EXPECT_EQ(path.attempt(Signal::accepted), Change::opened);
  EXPECT_EQ(path.controller.mode(), Mode::open);
}

TEST(PathController, APathThatOpensKeepsItsPaceFromTheFirstMessage) {
  TestPath path = used_path();
  path.attempt(Signal::throttled);
  for (Change change = Change::none; change != Change::opened;) {
    path.wait_for_permit();
    change = path.attempt(Signal::accepted);
  }
  const double pace = path.controller.state(path.now).pace;
  ASSERT_LT(pace, 100);
  int at_once = 0;
  while (path.controller.ask(path.now, 0, {}).at <= path.now && at_once < 10) {
    path.controller.on_start(path.now);
    ++at_once;
  }
  EXPECT_EQ(at_once, 1);
}

TEST(PathController, APathRefusedAtFirstContactDoesNotCrawlAfterwards) {
  for (const int accepted : {0, 1, 4}) {
    TestPath path;
    for (int i = 0; i < accepted; ++i) path.attempt(Signal::accepted);
    path.attempt(Signal::throttled);
    const int delivered = path.send_for(10min, 1s, Signal::accepted);
    EXPECT_GT(delivered, 400) << accepted;
  }
}

TEST(PathController, RampStartsNoMoreThanItsRoundBeforeAnAnswer) {
  TestPath path = used_path();
  path.attempt(Signal::throttled);
  path.wait_for_permit();
  path.attempt(Signal::accepted);
  for (std::uint32_t in_flight = 0; in_flight < 2; ++in_flight) {
    path.wait_for_permit();
    path.controller.on_start(path.now);
  }
  EXPECT_GT(path.controller.peek(path.now + 1min, 2, {}).at, path.now + 1min);
}

TEST(PathController, RefusalInTheRampHoldsAgainAndLonger) {
  TestPath path = used_path();
  path.attempt(Signal::throttled);
  const Duration first = path.controller.state(path.now).next_canary - path.now;
  path.wait_for_permit();
  path.attempt(Signal::accepted);
  path.wait_for_permit();
  EXPECT_EQ(path.attempt(Signal::throttled), Change::held_again);
  EXPECT_GT(path.controller.state(path.now).next_canary - path.now, first * 3 / 2);
  EXPECT_EQ(path.controller.state(path.now).episodes, 1U);
}

TEST(PathController, ResultsOfAttemptsFromBeforeTheHoldAreNoEvidence) {
  TestPath path = used_path();
  const Instant before = path.now - 1s;
  path.attempt(Signal::throttled);
  const LearnedState state = path.controller.state(path.now);
  EXPECT_EQ(path.controller.on_end(path.now, {.signal = Signal::throttled, .started = before}),
            Change::none);
  EXPECT_EQ(path.controller.on_end(path.now, {.signal = Signal::accepted, .started = before}),
            Change::none);
  EXPECT_EQ(path.controller.state(path.now).next_canary, state.next_canary);
  EXPECT_EQ(path.controller.mode(), Mode::held);
}

TEST(PathController, CanaryWithoutAVerdictIsAskedAgainSoon) {
  for (const Signal signal : {Signal::answered, Signal::local}) {
    TestPath path = used_path();
    path.attempt(Signal::throttled);
    path.wait_for_permit();
    EXPECT_EQ(path.attempt(signal), Change::none);
    const LearnedState state = path.controller.state(path.now);
    EXPECT_EQ(state.next_canary - path.now, 2s);
    EXPECT_EQ(state.canaries_refused, 0U);
  }
}

TEST(PathController, LostCanaryLosesItsLease) {
  TestPath path = used_path();
  path.attempt(Signal::throttled);
  path.wait_for_permit();
  path.controller.on_start(path.now);
  EXPECT_GT(path.controller.ask(path.now + 9min, 1, {}).at, path.now + 9min);
  path.now += 10min;
  EXPECT_LE(path.controller.ask(path.now, 1, {}).at, path.now + 2s);
}

TEST(PathController, NamedWaitOnlyLengthensAHold) {
  TestPath path = used_path();
  path.attempt(Signal::throttled, 10min);
  EXPECT_GE(path.controller.state(path.now).next_canary - path.now, 10min);
  TestPath other = used_path();
  other.attempt(Signal::throttled, 1s);
  EXPECT_GE(other.controller.state(other.now).next_canary - other.now, 3s);
}

TEST(PathController, BlockListingHoldsForAQuarterOfAnHour) {
  TestPath path = used_path();
  EXPECT_EQ(path.attempt(Signal::block_listed), Change::held);
  const LearnedState state = path.controller.state(path.now);
  EXPECT_EQ(state.cause, HoldCause::block_list);
  EXPECT_GE(state.next_canary - path.now, 15min);
}

TEST(PathController, SilenceThreeTimesInARowHolds) {
  TestPath path = used_path();
  EXPECT_EQ(path.attempt(Signal::silent), Change::none);
  EXPECT_EQ(path.attempt(Signal::silent), Change::none);
  EXPECT_EQ(path.attempt(Signal::silent), Change::held);
  EXPECT_EQ(path.controller.state(path.now).cause, HoldCause::network);
}

TEST(PathController, StraySilenceDoesNotHold) {
  TestPath path = used_path();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(path.attempt(Signal::silent), Change::none);
    for (int k = 0; k < 20; ++k) path.attempt(Signal::accepted);
  }
}

TEST(PathController, UnreadableRefusalsInARowHold) {
  TestPath path = used_path();
  Change change = Change::none;
  int refused = 0;
  for (; change == Change::none && refused < 10; ++refused) change = path.attempt(Signal::unclear);
  EXPECT_EQ(change, Change::held);
  EXPECT_GE(refused, 3);
}

TEST(PathController, WhereHoldsAreLongUnreadableRepliesThatEndAtOnceTeachNothing) {
  TestPath path = used_path();
  const auto open = [&] {
    for (Change change = Change::none; change != Change::opened;) {
      path.wait_for_permit();
      change = path.attempt(Signal::accepted);
    }
  };
  path.attempt(Signal::throttled);
  for (int i = 0; i < 8; ++i) {
    path.wait_for_permit();
    path.attempt(Signal::throttled);
  }
  open();
  path.send_for(1h, 500ms, Signal::accepted);
  path.finish();
  const LearnedState before = path.controller.state(path.now);
  for (int i = 0; i < 10 && path.controller.mode() == Mode::open; ++i)
    path.attempt(Signal::unclear);
  ASSERT_EQ(path.controller.mode(), Mode::held);
  open();
  const LearnedState after = path.controller.state(path.now);
  EXPECT_EQ(after.sustained, before.sustained);
  EXPECT_EQ(after.refused, before.refused);
}

TEST(PathController, UnreadableRefusalsNowAndThenAreNoise) {
  TestPath path = used_path();
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(path.attempt(Signal::unclear), Change::none);
    for (int k = 0; k < 60; ++k) path.attempt(Signal::accepted);
  }
  EXPECT_EQ(path.controller.state(path.now).episodes, 0U);
}

// A token bucket on the other side.
class Bucket {
 public:
  Bucket(double rate, double burst) : rate(rate), burst_(burst), level_(burst) {}
  bool takes(Instant now) {
    const double passed = static_cast<double>((now - at_).count()) * 1e-6;
    level_ = std::min(burst_, level_ + rate * passed);
    at_ = now;
    if (level_ < 1.0) return false;
    level_ -= 1.0;
    return true;
  }
  double rate;  // a second

 private:
  double burst_;
  double level_;
  Instant at_ = TestPath::start;
};

// It looks like a share that is refused whatever is sent, and is a rate.
TEST(PathController, ALimitThatFallsToATenthIsFoundAgain) {
  TestPath path({.start_rate = 1.0});
  Bucket bucket(1.4, 10);
  int accepted = 0;
  int refused = 0;
  const auto answer = [&] {
    const bool takes = bucket.takes(path.now);
    ++(takes ? accepted : refused);
    return takes ? Signal::accepted : Signal::throttled;
  };
  path.send_until(path.now + 2h, 750ms, answer);
  bucket.rate = 0.138;
  path.send_until(path.now + 2h, 750ms, answer);
  accepted = refused = 0;
  path.send_until(path.now + 6h, 750ms, answer);
  EXPECT_GT(accepted, 0.8 * 6 * 3600 * bucket.rate);
  EXPECT_LT(refused, 0.02 * accepted);
}

// Noise at a pace that was carried before is what is usual, though mail presses all the time.
TEST(PathController, NoiseUnderPressureIsNoRefusal) {
  TestPath path({.start_rate = 1.0});
  Bucket bucket(1.0, 30);
  std::uint32_t drawn = 1;
  const auto answer = [&] {
    drawn = drawn * 1664525U + 1013904223U;
    if ((drawn >> 8) % 1000 < 15) return Signal::unclear;
    return bucket.takes(path.now) ? Signal::accepted : Signal::throttled;
  };
  path.send_until(path.now + 24h, 500ms, answer);
  // Every false alarm would take the pace for refused.
  EXPECT_GT(path.controller.state(path.now).pace, 0.7);
}

TEST(PathController, NewPathGrowsOnlyOverWhatItHasShown) {
  TestPath path({.start_rate = 0.1});
  const int first = path.send_for(1min, 1ms, Signal::accepted);
  EXPECT_LE(first, 12);
  const int hour = path.send_for(1h, 1ms, Signal::accepted);
  EXPECT_GT(hour, 4 * first);
}

TEST(PathController, RelayOfOurOwnIsBoundByConcurrencyAlone) {
  TestPath path({.concurrency_max = 5'000, .grows_freely = true});
  const int started = path.send_for(10s, 80us, Signal::accepted);
  EXPECT_GE(started, 120'000);
}

TEST(PathController, RelayOfOurOwnIsHeldAfterARefusalAsAnyPath) {
  TestPath path({.concurrency_max = 5'000, .grows_freely = true});
  path.send_for(10s, 1ms, Signal::accepted);
  EXPECT_EQ(path.attempt(Signal::throttled), Change::held);
}

TEST(PathController, CeilingsAlwaysBind) {
  LearningSettings settings{.start_rate = 100, .rate_max = 2.0};
  settings.count_max[0] = 1'000;
  TestPath path(settings);
  EXPECT_LE(path.send_for(1min, 1ms, Signal::accepted), 124);
  path.send_for(59min, 1ms, Signal::accepted);
  const LearnedState state = path.controller.state(path.now);
  EXPECT_LE(state.counts[hour], 1'000.5);
  settings.rate_max = 0.5;
  path.controller.set_ceilings(settings, path.now);
  EXPECT_LE(path.controller.state(path.now).pace, 0.5);
}

TEST(PathController, RaisedCeilingsRaiseNothingLearned) {
  TestPath path = used_path();
  trip_and_recover(path, 1min);
  const double before = path.controller.state(path.now).sustained;
  path.controller.set_ceilings({.start_rate = 1'000}, path.now);
  EXPECT_EQ(path.controller.state(path.now).sustained, before);
}

TEST(PathController, LimitMetTwiceIsRemembered) {
  // Three a second are offered, two pass: a bucket of 30.
  TestPath path;
  double level = 30;
  Instant filled = path.now;
  const auto answer = [&] {
    level = std::min(30.0, level + in_seconds(path.now - filled) * 2.0);
    filled = path.now;
    if (level < 1) return Signal::throttled;
    level -= 1;
    return Signal::accepted;
  };
  path.send_until(path.now + 2h, 333ms, answer);
  const LearnedState state = path.controller.state(path.now);
  EXPECT_GT(state.pace, 1.7);
  EXPECT_LT(state.pace, 2.3);
}

TEST(PathController, ScarceCountIsKeptForTheUrgent) {
  LearningSettings settings{.start_rate = 5};
  settings.count_max[0] = 1'000;
  TestPath path(settings);
  const Demand bulk{.waiting = {false, false, true}};
  const int started = path.send_for(30min, 1s, Signal::accepted, bulk);
  EXPECT_LE(started, 921);
  EXPECT_GE(started, 900);
  EXPECT_EQ(path.controller.ask(path.now, 0, bulk).binding, Binding::share);
  const Permit permit = path.controller.ask(path.now, 0, {});
  EXPECT_LE(permit.at, path.now);
  EXPECT_NE(permit.lowest, Rank::bulk);
}

TEST(PathController, WhatCarriesOthersStaysWithinWhatItHasShown) {
  TestPath path = used_path({.start_rate = 0.01});
  const double shown = path.controller.state(path.now).demonstrated[minute];
  const Demand others{.waiting = {false, false, true}, .carries_others = true};
  path.send_for(10min, 1ms, Signal::accepted, others);
  EXPECT_LE(path.controller.state(path.now).counts[minute], 0.9 * shown + 1);
}

TEST(PathController, PeekChangesNothing) {
  TestPath path = used_path();
  const std::string before = path.controller.save(path.now);
  for (int i = 0; i < 100; ++i) path.controller.peek(path.now + 1s * i, 3, {});
  EXPECT_EQ(path.controller.save(path.now), before);
}

TEST(PathController, ForgottenPathIsNew) {
  TestPath path = used_path();
  path.attempt(Signal::throttled);
  path.controller.forget({}, path.now);
  EXPECT_EQ(path.controller.save(path.now), PathController({}, path.now).save(path.now));
}

TEST(PathController, OperatorHolds) {
  TestPath path = used_path();
  EXPECT_EQ(path.controller.hold(HoldCause::network, path.now), Change::held);
  EXPECT_GT(path.controller.ask(path.now, 0, {}).at, path.now);
}

TEST(PathController, RestsUntilItIsToldAndNoShorter) {
  TestPath path = used_path();
  const std::string open = path.controller.save(path.now);
  path.controller.rest_until(path.now + 3h);
  EXPECT_EQ(path.controller.save(path.now), open) << "what is not held does not rest";
  path.attempt(Signal::throttled);
  path.controller.rest_until(path.now + 3h);
  path.controller.rest_until(path.now + 1h);
  EXPECT_EQ(path.controller.state(path.now).next_canary, path.now + 3h);
  EXPECT_EQ(path.controller.ask(path.now, 0, {}).at, path.now + 3h);
}

TEST(PathController, CanariesOfPathsAreSpread) {
  std::set<Instant> at;
  for (std::uint32_t salt = 0; salt < 50; ++salt) {
    PathController controller({.salt = salt}, TestPath::start);
    controller.hold(HoldCause::network, TestPath::start);
    at.insert(controller.state(TestPath::start).next_canary);
  }
  EXPECT_GE(at.size(), 48U);
  EXPECT_LE(*at.rbegin() - *at.begin(), 7s);
}

TEST(PathController, TheSameCeilingsSetAgainGiveNoBurst) {
  const LearningSettings settings{.start_rate = 1};
  TestPath path = used_path(settings);
  path.attempt(Signal::throttled);
  for (Change change = Change::none; change != Change::opened;) {
    path.wait_for_permit();
    change = path.attempt(Signal::accepted);
  }
  int started = 0;
  const Instant until = path.now + 30s;
  while (path.now < until) {
    path.controller.set_ceilings(settings, path.now);
    for (; path.controller.ask(path.now, 0, {}).at <= path.now; ++started)
      path.controller.on_start(path.now);
    path.now += 1s;
  }
  EXPECT_LE(started, 30 * path.controller.state(path.now).pace + 4);
}

TEST(PathController, EveryEnumeratorHasAName) {
  for (int i = 0; i < 8; ++i) EXPECT_NE(to_string(static_cast<Signal>(i)), "");
  for (int i = 0; i < 4; ++i) EXPECT_NE(to_string(static_cast<Window>(i)), "");
  for (int i = 0; i < 3; ++i) EXPECT_NE(to_string(static_cast<Mode>(i)), "");
  for (int i = 0; i < 3; ++i) EXPECT_NE(to_string(static_cast<HoldCause>(i)), "");
  for (int i = 0; i < 11; ++i) EXPECT_NE(to_string(static_cast<Binding>(i)), "");
  for (int i = 0; i < 7; ++i) EXPECT_NE(to_string(static_cast<Change>(i)), "");
}

}  // namespace
}  // namespace mailweir::pacing
