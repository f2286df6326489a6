#include "pacing/pacer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "base/random.h"

namespace mailweir::pacing {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};

// The most events in any window of one period, as a greedy sender with irregular wakings sees it.
std::uint64_t busiest_window(TokenBucket& bucket, Duration length, std::uint64_t seed) {
  SeededRandom random(seed);
  std::deque<Instant> window;
  std::size_t most = 0;
  for (Instant now = start; now < start + length;) {
    while (bucket.take(now)) {
      window.push_back(now);
      while (window.front() <= now - bucket.rate().period) window.pop_front();
      most = std::max(most, window.size());
    }
    const Instant next = bucket.next(now);
    now = random.below(3) == 0 ? next + Duration(static_cast<std::int64_t>(random.below(3'000'000)))
                               : next;
  }
  return most;
}

TEST(TokenBucket, IsNeverExceededOverAnyPeriodButForItsBurst) {
  for (const Rate rate :
       {Rate{20, 1min}, Rate{3, 1s}, Rate{1000, 1h}, Rate{7, 24h}, Rate{5000, 1s}}) {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      TokenBucket bucket(rate);
      EXPECT_LE(busiest_window(
                    bucket,
                    std::max<Duration>(10 * rate.period, 10s) / (rate.events > 1000 ? 5 : 1), seed),
                rate.events + bucket.burst());
    }
  }
}

TEST(TokenBucket, ReachesItsRateWhenPressed) {
  TokenBucket bucket(Rate{3, 1s});
  std::uint64_t taken = 0;
  for (Instant now = start; now < start + 1000s; now = bucket.next(now))
    taken += bucket.take(now) ? 1 : 0;
  EXPECT_GE(taken, 3000U);
  EXPECT_LE(taken, 3003U);
}

TEST(TokenBucket, BurstIsASecondsWorthButAtLeastOne) {
  EXPECT_EQ(TokenBucket(Rate{20, 1min}).burst(), 1U);
  EXPECT_EQ(TokenBucket(Rate{600, 1min}).burst(), 10U);
  EXPECT_EQ(TokenBucket(Rate{50, 1s}).burst(), 50U);
}

TEST(TokenBucket, ZeroMeansNone) {
  TokenBucket bucket(Rate{0, 1s});
  EXPECT_FALSE(bucket.take(start));
  EXPECT_EQ(bucket.next(start), never);
}

TEST(TokenBucket, NextIsExactlyWhenTakeSucceeds) {
  TokenBucket bucket(Rate{7, 1min});
  ASSERT_TRUE(bucket.take(start));
  const Instant next = bucket.next(start);
  TokenBucket early = bucket;
  EXPECT_FALSE(early.take(next - 1us));
  EXPECT_TRUE(bucket.take(next));
}

TEST(TokenBucket, IdleYearsDoNotOverflow) {
  TokenBucket bucket(Rate{1'000'000, 1s});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(bucket.take(start));
  EXPECT_EQ(bucket.next(start + std::chrono::years(50)), start + std::chrono::years(50));
}

TEST(TokenBucket, ChangingTheRateGivesNoFreeBurst) {
  TokenBucket bucket(Rate{10, 1s});
  while (bucket.take(start)) {
  }
  bucket.set_rate(Rate{100, 1s}, start);
  EXPECT_FALSE(bucket.take(start));
  EXPECT_TRUE(bucket.take(start + 10ms));
}

TEST(Pacer, ConnectionsAreCappedAndReturned) {
  Pacer pacer({.caps = {.connections_max = 2, .message_rate = {}, .connection_rate = {}}}, start);
  EXPECT_TRUE(pacer.permit_connection(start));
  EXPECT_TRUE(pacer.permit_connection(start));
  EXPECT_FALSE(pacer.permit_connection(start));
  EXPECT_EQ(pacer.next_connection(start).limit, Limit::connections);
  EXPECT_EQ(pacer.next_connection(start).at, never);
  pacer.connection_ended();
  EXPECT_TRUE(pacer.permit_connection(start));
}

TEST(Pacer, ARefusedConnectionUsesNoPermit) {
  Pacer pacer({.caps = {.connections_max = 1, .message_rate = {}, .connection_rate = Rate{2, 1s}}},
              start);
  ASSERT_TRUE(pacer.permit_connection(start));
  ASSERT_FALSE(pacer.permit_connection(start));
  pacer.connection_ended();
  EXPECT_TRUE(
      pacer.permit_connection(start));  // the second of the burst was not spent on the refusal
  pacer.connection_ended();
  EXPECT_EQ(pacer.next_connection(start).limit, Limit::connection_rate);
  EXPECT_EQ(pacer.next_connection(start).at, start + 500ms);
}

TEST(Pacer, MessagesWithoutARateAreUnlimited) {
  Pacer pacer({.caps = {}}, start);
  for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(pacer.permit_message(start));
  EXPECT_EQ(pacer.next_message(start).limit, Limit::none);
}

TEST(Pacer, LoweredCapsBindAtOnce) {
  Pacer pacer({.caps = {}}, start);
  ASSERT_TRUE(pacer.permit_connection(start));
  pacer.set({.caps = {.connections_max = 1, .message_rate = Rate{0, 1s}, .connection_rate = {}}},
            start);
  EXPECT_FALSE(pacer.permit_connection(start));
  EXPECT_FALSE(pacer.permit_message(start));
  EXPECT_EQ(pacer.next_message(start).limit, Limit::message_rate);
}

TEST(Pacer, IsRestedOnceItsRatesHaveRecovered) {
  Pacer pacer(
      {.caps = {.connections_max = 2, .message_rate = Rate{60, 1min}, .connection_rate = {}}},
      start);
  EXPECT_TRUE(pacer.is_rested(start));
  ASSERT_TRUE(pacer.permit_message(start));
  EXPECT_FALSE(pacer.is_rested(start + 999ms));
  EXPECT_TRUE(pacer.is_rested(start + 1s));
  ASSERT_TRUE(pacer.permit_connection(start + 1s));
  EXPECT_FALSE(pacer.is_rested(start + 1s));
}

TEST(Pacer, OutcomesAreCounted) {
  Pacer pacer({.caps = {}}, start);
  pacer.on_outcome(Evidence::recipient_delivered, start);
  pacer.on_outcome(Evidence::recipient_delivered, start + 1s);
  pacer.on_outcome(Evidence::connect_failed, start + 2s);
  EXPECT_EQ(pacer.count(Evidence::recipient_delivered), 2U);
  EXPECT_EQ(pacer.count(Evidence::connect_failed), 1U);
  EXPECT_EQ(pacer.last_outcome(), start + 2s);
}

// A cap is set again with every look-up of its domain.
TEST(TokenBucket, ARateSetAgainLosesNothingSavedUp) {
  Instant now{1h};
  TokenBucket bucket(Rate{10, 1h});
  ASSERT_TRUE(bucket.take(now));
  int passed = 0;
  for (int i = 0; i < 24 * 30; ++i) {
    now += 10s;
    if (i % 30 == 0) bucket.set_rate(Rate{10, 1h}, now);
    while (bucket.take(now)) ++passed;
  }
  EXPECT_GE(passed, 19);
  EXPECT_LE(passed, 20);
  now += 5min;
  bucket.set_rate(Rate{20, 1h}, now);  // most of an event is saved up
  EXPECT_LE(bucket.next(now), now + 1min);
}

}  // namespace
}  // namespace mailweir::pacing
