#include "world/rate_models.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <deque>

#include "base/random.h"
#include "world/test_client.h"

namespace mailweir::world {
namespace {

// What a sender gets that tries at irregular moments, `pressure` times a second on average.
struct Pressed {
  std::vector<Instant> accepted;
  std::uint64_t refused = 0;
};

Pressed press(Receiver& receiver, Duration length, double pressure, std::uint64_t seed,
              Instant from = test_start) {
  SeededRandom random(seed);
  Pressed pressed;
  const auto gap_max = static_cast<std::uint64_t>(2e6 / pressure);
  for (Instant now = from; now < from + length;
       now += Duration(static_cast<std::int64_t>(random.below(gap_max)))) {
    if (send(receiver, now).is_accepted()) {
      pressed.accepted.push_back(now);
    } else {
      ++pressed.refused;
    }
  }
  return pressed;
}

std::size_t busiest(const std::vector<Instant>& times, Duration window) {
  std::deque<Instant> within;
  std::size_t most = 0;
  for (const Instant time : times) {
    within.push_back(time);
    while (within.front() <= time - window) within.pop_front();
    most = std::max(most, within.size());
  }
  return most;
}

double rate_of(const Pressed& pressed, Duration length) {
  return static_cast<double>(pressed.accepted.size()) /
         std::chrono::duration<double>(length).count();
}

TEST(Bucket, NoWindowPassesMoreThanRateAndBurst) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    auto receiver = receiver_of({BucketParameters{.rate = {3, 1s}, .burst = 20}});
    const Pressed pressed = press(*receiver, 20min, 9, seed);
    for (const Duration window : {Duration(1s), Duration(10s), Duration(5min)})
      EXPECT_LE(busiest(pressed.accepted, window), 3U * window / 1s + 20) << "seed " << seed;
    EXPECT_GT(pressed.refused, 1000U);
  }
}

TEST(Bucket, LimitIsWhatAPressingClientGets) {
  auto receiver = receiver_of({BucketParameters{.rate = {30, 1min}, .burst = 5}});
  EXPECT_DOUBLE_EQ(receiver->limit(home(), test_start), 0.5);
  EXPECT_NEAR(rate_of(press(*receiver, 4h, 3, 1), 4h), 0.5, 0.005);
}

TEST(Bucket, ASenderBelowTheRateIsNeverRefused) {
  auto receiver = receiver_of({BucketParameters{.rate = {10, 1s}, .burst = 1}});
  for (Instant now = test_start; now < test_start + 100s; now += 100ms)
    EXPECT_TRUE(send(*receiver, now).is_accepted());
  EXPECT_EQ(receiver->trips(home()), 0U);
}

TEST(Bucket, EachAddressHasItsOwn) {
  auto receiver = receiver_of({BucketParameters{.rate = {1, 1h}, .burst = 1}});
  EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  EXPECT_FALSE(send(*receiver, test_start).is_accepted());
  EXPECT_TRUE(send(*receiver, test_start, ip("192.0.2.8")).is_accepted());
}

TEST(Bucket, ANetworkSharesOneIfScopedSo) {
  auto receiver =
      receiver_of({BucketParameters{.rate = {1, 1h}, .burst = 1, .scope = Scope::network}});
  EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  EXPECT_FALSE(send(*receiver, test_start, ip("192.0.2.200")).is_accepted());
  EXPECT_TRUE(send(*receiver, test_start, ip("192.0.3.7")).is_accepted());
}

TEST(Bucket, DomainQuotasFollowTheDomainWhateverTheAddress) {
  auto receiver = receiver_of({BucketParameters{.rate = {1, 1h}, .burst = 1, .scope = Scope::dkim},
                               BucketParameters{.rate = {1, 1h}, .burst = 2, .scope = Scope::spf}});
  const Letter signed_by_a{.dkim_domain = "a.example"};
  EXPECT_TRUE(send(*receiver, test_start, home(), signed_by_a).is_accepted());
  const Ending second = send(*receiver, test_start, ip("198.51.100.1"), signed_by_a);
  EXPECT_FALSE(second.is_accepted());
  EXPECT_EQ(second.step, Step::end_of_data);
  // Unsigned mail is not counted by DKIM; the domain of MAIL FROM has one left.
  EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  EXPECT_EQ(send(*receiver, test_start).step, Step::mail);
  EXPECT_TRUE(send(*receiver, test_start, home(), {.sender_domain = ""}).is_accepted());
  EXPECT_EQ(receiver->limit(home(), test_start), unlimited);
}

TEST(Bucket, MessagesInFlightTogetherDoNotPassTheLimit) {
  auto receiver = receiver_of({BucketParameters{.rate = {1, 1h}, .burst = 2}});
  Session a(*receiver, home(), test_start);
  Session b(*receiver, home(), test_start);
  Session c(*receiver, home(), test_start);
  EXPECT_EQ(receiver->mail(a.visit, "x", test_start).kind, Answer::Kind::accept);
  EXPECT_EQ(receiver->mail(b.visit, "x", test_start).kind, Answer::Kind::accept);
  EXPECT_EQ(receiver->mail(c.visit, "x", test_start).kind, Answer::Kind::reply);
}

TEST(Bucket, WhatIsNotSentIsGivenBack) {
  auto receiver = receiver_of({BucketParameters{.rate = {1, 1h}, .burst = 1}});
  {
    Session left(*receiver, home(), test_start);
    EXPECT_EQ(receiver->mail(left.visit, "x", test_start).kind, Answer::Kind::accept);
    EXPECT_FALSE(send(*receiver, test_start).is_accepted());
  }
  EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  EXPECT_FALSE(send(*receiver, test_start).is_accepted());
}

TEST(Bucket, FurtherRecipientsAreTheSameMessage) {
  auto receiver = receiver_of({BucketParameters{.rate = {1, 1h}, .burst = 1, .phase = Step::rcpt}});
  Session session(*receiver, home(), test_start);
  receiver->mail(session.visit, "x", test_start);
  EXPECT_EQ(receiver->rcpt(session.visit, "a@b", test_start).kind, Answer::Kind::accept);
  EXPECT_EQ(receiver->rcpt(session.visit, "c@d", test_start).kind, Answer::Kind::accept);
  EXPECT_EQ(session.visit.recipients, 2U);
}

TEST(Bucket, AnEarlyPhaseRefusesTheSessionAndStillCounts) {
  auto receiver =
      receiver_of({BucketParameters{.rate = {1, 1h}, .burst = 1, .phase = Step::connect}});
  EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  const Ending second = send(*receiver, test_start);
  EXPECT_EQ(second.step, Step::connect);
  EXPECT_TRUE(second.answer.closes);
}

TEST(Bucket, AnIdleSessionHoldsNoPlace) {
  auto receiver =
      receiver_of({BucketParameters{.rate = {1, 1h}, .burst = 1, .phase = Step::connect}});
  Session idle(*receiver, home(), test_start);
  EXPECT_TRUE(Session(*receiver, home(), test_start).is_open());
}

TEST(Bucket, ATripIsASpellOfRefusals) {
  auto receiver = receiver_of({BucketParameters{.rate = {1, 1s}, .burst = 1}});
  send(*receiver, test_start);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(send(*receiver, test_start).is_accepted());
  EXPECT_EQ(receiver->trips(home()), 1U);
  EXPECT_TRUE(send(*receiver, test_start + 2s).is_accepted());
  EXPECT_FALSE(send(*receiver, test_start + 2s).is_accepted());
  EXPECT_EQ(receiver->trips(home()), 2U);
}

TEST(Window, NeverPassesItsCountInAnyWindow) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    auto receiver = receiver_of({WindowParameters{.messages = 100, .length = 10min}});
    const Pressed pressed = press(*receiver, 3h, 0.5, seed);
    EXPECT_LE(busiest(pressed.accepted, 10min), 100U) << "seed " << seed;
    EXPECT_GE(busiest(pressed.accepted, 10min + 20s), 95U) << "seed " << seed;
  }
}

TEST(Window, LimitIsWhatAPressingClientGets) {
  auto receiver = receiver_of({WindowParameters{.messages = 600, .length = 10min}});
  const double limit = receiver->limit(home(), test_start);
  EXPECT_NEAR(limit, 1.0, 0.02);
  EXPECT_NEAR(rate_of(press(*receiver, 24h, 3, 1), 24h), limit, 0.02);
}

TEST(Window, ABurstShutsItUntilItAges) {
  auto receiver = receiver_of({WindowParameters{.messages = 50, .length = 1h}});
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  EXPECT_FALSE(send(*receiver, test_start + 59min).is_accepted());
  EXPECT_TRUE(send(*receiver, test_start + 62min).is_accepted());
}

TEST(Quota, HoldsForItsOwnDay) {
  auto receiver = receiver_of({QuotaParameters{.messages = 3, .turn = 2h}});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(send(*receiver, test_start + 1h).is_accepted());
  EXPECT_FALSE(send(*receiver, test_start + 2h - 1s).is_accepted());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(send(*receiver, test_start + 2h).is_accepted());
  EXPECT_FALSE(send(*receiver, test_start + 25h).is_accepted());
  EXPECT_TRUE(send(*receiver, test_start + 26h).is_accepted());
  EXPECT_DOUBLE_EQ(receiver->limit(home(), test_start) * 86'400, 3.0);
}

TEST(Diurnal, FollowsTheDayWithinItsBounds) {
  const DiurnalParameters parameters{.rate = {10, 1s}};
  auto receiver = receiver_of({parameters});
  double at_peak = 0;
  double at_trough = 0;
  for (int day = 0; day < 20; ++day) {
    at_peak += receiver->limit(home(), test_start + day * 24h + 2h) / 20;
    at_trough += receiver->limit(home(), test_start + day * 24h + 14h) / 20;
  }
  EXPECT_NEAR(at_peak, 15, 1);
  EXPECT_NEAR(at_trough, 5, 1);
}

TEST(Diurnal, NoiseComesFromTheSeed) {
  const DiurnalParameters parameters{.rate = {10, 1s}};
  EXPECT_EQ(receiver_of({parameters}, 7)->limit(home(), test_start),
            receiver_of({parameters}, 7)->limit(home(), test_start));
  EXPECT_NE(receiver_of({parameters}, 7)->limit(home(), test_start),
            receiver_of({parameters}, 8)->limit(home(), test_start));
}

TEST(Diurnal, PressedAllDayItGivesTheMean) {
  auto receiver = receiver_of({DiurnalParameters{.rate = {30, 1min}}});
  EXPECT_NEAR(rate_of(press(*receiver, 24h, 4, 1), 24h), 0.5, 0.02);
}

TEST(Diurnal, ARefillOverADayTakesEachSlotAtItsRate) {
  auto receiver = receiver_of({DiurnalParameters{.rate = {1'000, 1h}, .burst = 30'000}});
  for (int i = 0; i < 30'000; ++i) ASSERT_TRUE(send(*receiver, test_start).is_accepted());
  int accepted = 0;
  while (send(*receiver, test_start + 24h).is_accepted()) ++accepted;
  EXPECT_NEAR(accepted, 24'000, 700);
}

TEST(Steps, EachRateHoldsFromItsTime) {
  auto receiver = receiver_of(
      {StepsParameters{.rates = {{0s, {10, 1s}}, {1h, {2, 1s}}, {2h, {5, 1s}}}, .burst = 30}});
  for (const auto& [at, rate] : {std::pair{0min, 10.0}, {60min, 2.0}, {120min, 5.0}}) {
    EXPECT_DOUBLE_EQ(receiver->limit(home(), test_start + at), rate);
    const Pressed pressed = press(*receiver, 50min, 100, 1, test_start + at);
    EXPECT_NEAR(rate_of(pressed, 50min), rate, rate / 50);
  }
}

// A refill over a change takes each part at its own rate.
TEST(Steps, ARefillAcrossAChangeIsExact) {
  auto receiver =
      receiver_of({StepsParameters{.rates = {{0s, {1, 1h}}, {10h, {100, 1h}}}, .burst = 1000}});
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  int accepted = 0;
  while (send(*receiver, test_start + 11h).is_accepted()) ++accepted;
  EXPECT_EQ(accepted, 110);
}

// A twin of which so much was taken refuses as if it had been sent.
void expect_taken_counts_as_sent(const ModelParameters& model, std::uint64_t messages) {
  auto receiver = receiver_of({model});
  EXPECT_DOUBLE_EQ(receiver->room(home(), 10s, test_start), static_cast<double>(messages));
  receiver->take(home(), messages - 1, test_start);
  EXPECT_DOUBLE_EQ(receiver->room(home(), 10s, test_start), 1.0);
  EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  EXPECT_DOUBLE_EQ(receiver->room(home(), 10s, test_start), 0.0);
  EXPECT_FALSE(send(*receiver, test_start).is_accepted());
}

TEST(Window, WhatIsTakenIsUsedUp) {
  expect_taken_counts_as_sent(WindowParameters{.messages = 40, .length = 1h}, 40);
}

TEST(Quota, WhatIsTakenIsUsedUpUntilTheDayTurns) {
  const QuotaParameters quota{.messages = 40, .turn = 2h};
  expect_taken_counts_as_sent(quota, 40);
  auto receiver = receiver_of({quota});
  receiver->take(home(), 40, test_start);
  EXPECT_DOUBLE_EQ(receiver->room(home(), 10s, test_start + 2h - 1s), 0.0);
  EXPECT_DOUBLE_EQ(receiver->room(home(), 10s, test_start + 2h), 40.0);
}

}  // namespace
}  // namespace mailweir::world
