#include "world/penalty_models.h"

#include <gmock/gmock.h>

#include "world/test_client.h"

namespace mailweir::world {
namespace {

using ::testing::HasSubstr;

constexpr Duration second = 1s;

// Trips the box by hand.
std::unique_ptr<Receiver> tripped(PenaltyBoxParameters parameters) {
  auto receiver = receiver_of({parameters});
  EXPECT_TRUE(receiver->control(Receiver::Control::trip, home(), test_start));
  return receiver;
}

TEST(PenaltyBox, RefusesForItsLengthAndNoLonger) {
  auto receiver = tripped({.length = 30min});
  EXPECT_TRUE(receiver->is_penalized(home(), test_start));
  EXPECT_EQ(receiver->limit(home(), test_start), 0);
  EXPECT_EQ(text_of(send(*receiver, test_start + 30min - second)),
            "451 4.7.500 Server busy. Please try again later from [192.0.2.7].");
  EXPECT_TRUE(send(*receiver, test_start + 30min).is_accepted());
  EXPECT_FALSE(receiver->is_penalized(home(), test_start + 30min));
  EXPECT_EQ(receiver->trips(home()), 1U);
}

TEST(PenaltyBox, EveryAttemptExtendsIt) {
  auto receiver = tripped({.length = 30min, .ends = PenaltyEnd::extend, .per_attempt = 2min});
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(send(*receiver, test_start + 1min).is_accepted());
  EXPECT_TRUE(receiver->is_penalized(home(), test_start + 50min - second));
  EXPECT_FALSE(receiver->is_penalized(home(), test_start + 50min));
}

TEST(PenaltyBox, NoAttemptExtendsItBeyondItsMost) {
  auto receiver =
      tripped({.length = 30min, .ends = PenaltyEnd::extend, .per_attempt = 1h, .length_max = 2h});
  for (int i = 0; i < 10; ++i) send(*receiver, test_start + 1min);
  EXPECT_TRUE(receiver->is_penalized(home(), test_start + 2h));
  EXPECT_FALSE(receiver->is_penalized(home(), test_start + 2h + 1min));
}

TEST(PenaltyBox, AnAttemptRestartsIt) {
  auto receiver = tripped({.length = 20min, .ends = PenaltyEnd::restart});
  EXPECT_FALSE(send(*receiver, test_start + 19min).is_accepted());
  EXPECT_FALSE(send(*receiver, test_start + 38min).is_accepted());
  EXPECT_TRUE(send(*receiver, test_start + 58min).is_accepted());
}

TEST(PenaltyBox, SilenceEndsAnExtendedPenaltySoonerThanHammering) {
  const PenaltyBoxParameters parameters{.length = 10min, .ends = PenaltyEnd::extend};
  auto patient = tripped(parameters);
  auto hammered = tripped(parameters);
  for (int minute = 0; minute < 60; ++minute) send(*hammered, test_start + minute * 1min);
  EXPECT_TRUE(send(*patient, test_start + 60min).is_accepted());
  EXPECT_FALSE(send(*hammered, test_start + 60min).is_accepted());
}

TEST(PenaltyBox, RefusesItsShare) {
  for (const double share : {0.2, 0.5, 0.9}) {
    auto receiver = tripped({.length = 10h, .share = share});
    int refused = 0;
    for (int i = 0; i < 10'000; ++i)
      refused += send(*receiver, test_start + i * second).is_accepted() ? 0 : 1;
    EXPECT_NEAR(refused / 10'000.0, share, 0.02);
    EXPECT_EQ(receiver->limit(home(), test_start), unlimited);
  }
}

TEST(PenaltyBox, WhatIsNotRefusedKeepsToTheRateInside) {
  auto receiver = tripped({.length = 10h, .share = 0.5, .rate_inside = {6, 1min}});
  EXPECT_DOUBLE_EQ(receiver->limit(home(), test_start), 0.1);
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i)
    accepted += send(*receiver, test_start + i * second).is_accepted() ? 1 : 0;
  EXPECT_NEAR(accepted / 20'000.0, 0.1, 0.011);
}

TEST(PenaltyBox, TheFateIsDrawnAtMailAndToldAtThePhase) {
  for (const Step phase :
       {Step::connect, Step::ehlo, Step::mail, Step::rcpt, Step::data, Step::end_of_data}) {
    auto receiver = tripped({.phase = phase});
    EXPECT_EQ(send(*receiver, test_start).step, phase);
  }
}

TEST(PenaltyBox, RefusedInAMannerThatSaysNothing) {
  for (const auto& [manner, kind] : {std::pair{Manner::silence, Answer::Kind::silence},
                                     {Manner::close, Answer::Kind::close},
                                     {Manner::reset, Answer::Kind::reset}}) {
    auto receiver = tripped({.phase = Step::connect, .manner = manner});
    EXPECT_EQ(send(*receiver, test_start).answer.kind, kind);
  }
}

TEST(PenaltyBox, RefusalsByALimitTripIt) {
  auto receiver = receiver_of(
      {PenaltyBoxParameters{.trip = {.on = TripOn::refusals, .count = 20, .window = 5min}},
       BucketParameters{.rate = {1, 1s}, .burst = 1, .reply = {450, "slow"}}});
  EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(text_of(send(*receiver, test_start)), "450 slow");
  EXPECT_TRUE(receiver->is_penalized(home(), test_start));
  EXPECT_THAT(text_of(send(*receiver, test_start + 1min)), HasSubstr("Server busy"));
}

TEST(PenaltyBox, RefusalsFarApartDoNotTripIt) {
  auto receiver = receiver_of(
      {PenaltyBoxParameters{.trip = {.on = TripOn::refusals, .count = 3, .window = 5min}},
       BucketParameters{.rate = {0, 1s}, .burst = 0}});
  for (int i = 0; i < 50; ++i) send(*receiver, test_start + i * 3min);
  EXPECT_FALSE(receiver->is_penalized(home(), test_start + 150min));
}

TEST(PenaltyBox, MessagesTriedTripItAndOnlyQuietEndsIt) {
  auto receiver = receiver_of(
      {PenaltyBoxParameters{.trip = {.on = TripOn::messages, .count = 360, .window = 10min},
                            .length = 1h,
                            .ends = PenaltyEnd::quiet,
                            .quiet_count = 75}});
  Instant now = test_start;
  for (; now < test_start + 3h; now += second) send(*receiver, now);
  EXPECT_TRUE(receiver->is_penalized(home(), now));
  EXPECT_EQ(receiver->trips(home()), 1U);
  EXPECT_FALSE(receiver->is_penalized(home(), now + 11min));
  EXPECT_TRUE(send(*receiver, now + 11min).is_accepted());
}

TEST(PenaltyBox, ASenderJustBelowItsLimitNeverTripsIt) {
  auto receiver = receiver_of(
      {PenaltyBoxParameters{.trip = {.on = TripOn::messages, .count = 360, .window = 10min}}});
  const double limit = receiver->limit(home(), test_start);
  EXPECT_NEAR(limit, 0.54, 0.01);
  const auto gap = Duration(static_cast<std::int64_t>(1.01e6 / limit));
  for (Instant now = test_start; now < test_start + 24h; now += gap)
    ASSERT_TRUE(send(*receiver, now).is_accepted());
}

TEST(PenaltyBox, ComplaintsTripIt) {
  auto receiver = receiver_of(
      {PenaltyBoxParameters{.trip = {.on = TripOn::unwanted, .count = 3, .window = 1h}}});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  for (int i = 0; i < 3; ++i) send(*receiver, test_start, home(), {.is_unwanted = true});
  EXPECT_FALSE(send(*receiver, test_start).is_accepted());
}

TEST(PenaltyBox, BeginsForEveryoneAtAGivenTime) {
  auto receiver = receiver_of({PenaltyBoxParameters{.trip_at = 6h, .length = 45min}});
  EXPECT_TRUE(send(*receiver, test_start + 6h - second).is_accepted());
  EXPECT_TRUE(receiver->is_penalized(ip("203.0.113.9"), test_start + 6h));
  EXPECT_FALSE(send(*receiver, test_start + 6h).is_accepted());
  EXPECT_TRUE(send(*receiver, test_start + 6h + 45min).is_accepted());
  EXPECT_FALSE(receiver->is_penalized(ip("203.0.113.9"), test_start + 7h));
}

TEST(PenaltyBox, ReleaseEndsItAtOnce) {
  auto receiver = tripped({.ends = PenaltyEnd::extend});
  EXPECT_FALSE(send(*receiver, test_start).is_accepted());
  EXPECT_TRUE(receiver->control(Receiver::Control::release, home(), test_start));
  EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  EXPECT_FALSE(receiver->control(Receiver::Control::block_network, home(), test_start));
}

TEST(PenaltyBox, AReleaseForgetsTheMessagesThatTrippedIt) {
  auto receiver = receiver_of(
      {PenaltyBoxParameters{.trip = {.on = TripOn::messages, .count = 10, .window = 1h}}});
  for (int i = 0; i < 20; ++i) send(*receiver, test_start);
  EXPECT_TRUE(receiver->is_penalized(home(), test_start));
  receiver->control(Receiver::Control::release, home(), test_start);
  EXPECT_TRUE(send(*receiver, test_start).is_accepted());
}

// Only attempts by the rule of `ends` prolong a penalty, not what else is refused meanwhile.
TEST(PenaltyBox, RefusalsDuringAPenaltyDoNotBeginItAnew) {
  auto receiver = receiver_of(
      {PenaltyBoxParameters{
           .trip = {.on = TripOn::refusals, .count = 5, .window = 1h}, .length = 30min, .share = 0},
       BucketParameters{.rate = {0, 1s}, .burst = 0}});
  for (int i = 0; i < 5; ++i) send(*receiver, test_start);
  for (int i = 0; i < 20; ++i) send(*receiver, test_start + 20min);
  EXPECT_FALSE(receiver->is_penalized(home(), test_start + 30min));
}

TEST(PenaltyBox, OneAddressAlone) {
  auto receiver = tripped({});
  EXPECT_TRUE(send(*receiver, test_start, ip("192.0.2.8")).is_accepted());
  auto whole = receiver_of({PenaltyBoxParameters{.scope = Scope::network}});
  whole->control(Receiver::Control::trip, home(), test_start);
  EXPECT_FALSE(send(*whole, test_start, ip("192.0.2.8")).is_accepted());
}

TEST(BlockList, RefusesTheListedAtTheBanner) {
  auto receiver = receiver_of({BlockListParameters{.listed = networks({"192.0.2.0/28"})}});
  const Ending ending = send(*receiver, test_start);
  EXPECT_EQ(ending.step, Step::connect);
  EXPECT_TRUE(ending.answer.closes);
  EXPECT_EQ(ending.answer.reply.code, 554);
  EXPECT_EQ(receiver->limit(home(), test_start), 0);
  EXPECT_EQ(receiver->trips(home()), 1U);
  EXPECT_TRUE(send(*receiver, test_start, ip("192.0.2.100")).is_accepted());
}

TEST(BlockList, IsDelistedSomeTimeAfterTheRequest) {
  auto receiver =
      receiver_of({BlockListParameters{.listed = networks({"192.0.2.7"}), .delist_after = 24h}});
  EXPECT_FALSE(send(*receiver, test_start + 90 * 24h).is_accepted());
  const Instant request = test_start + 100 * 24h;
  EXPECT_TRUE(receiver->control(Receiver::Control::release, home(), request));
  EXPECT_FALSE(send(*receiver, request + 24h - second).is_accepted());
  EXPECT_TRUE(send(*receiver, request + 24h).is_accepted());
}

TEST(BlockList, ASecondRequestDoesNotPutTheEndOff) {
  auto receiver = receiver_of({BlockListParameters{.delist_after = 24h}});
  receiver->control(Receiver::Control::trip, home(), test_start);
  receiver->control(Receiver::Control::release, home(), test_start);
  receiver->control(Receiver::Control::release, home(), test_start + 23h);
  EXPECT_TRUE(send(*receiver, test_start + 24h).is_accepted());
}

TEST(BlockList, BeginsAtItsTimeAndEndsByItself) {
  auto receiver = receiver_of(
      {BlockListParameters{.listed = networks({"192.0.2.7"}), .listed_at = 1h, .length = 2h}});
  EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  EXPECT_FALSE(send(*receiver, test_start + 1h).is_accepted());
  EXPECT_TRUE(receiver->is_penalized(home(), test_start + 3h - second));
  EXPECT_TRUE(send(*receiver, test_start + 3h).is_accepted());
}

TEST(BlockList, WhatIsSeenWhileListedDoesNotProlongIt) {
  auto receiver =
      receiver_of({BlockListParameters{.trip = {.on = TripOn::unknown, .count = 5, .window = 1h},
                                       .length = 2h,
                                       .phase = Step::end_of_data},
                   RecipientsParameters{.unknown = 1}});
  for (int i = 0; i < 5; ++i) send(*receiver, test_start);
  for (int i = 0; i < 20; ++i) send(*receiver, test_start + 1h);
  EXPECT_TRUE(receiver->is_penalized(home(), test_start + 2h - second));
  EXPECT_FALSE(receiver->is_penalized(home(), test_start + 2h));
}

TEST(BlockList, ManyUnknownRecipientsListTheNetwork) {
  auto receiver =
      receiver_of({BlockListParameters{.trip = {.on = TripOn::unknown, .count = 5, .window = 1h},
                                       .length = 2h,
                                       .scope = Scope::network},
                   RecipientsParameters{.unknown = 1}});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(send(*receiver, test_start).step, Step::rcpt);
  EXPECT_EQ(send(*receiver, test_start, ip("192.0.2.99")).step, Step::connect);
  EXPECT_EQ(send(*receiver, test_start, ip("192.0.3.99")).step, Step::rcpt);
}

}  // namespace
}  // namespace mailweir::world
