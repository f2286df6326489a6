#include "world/connection_models.h"

#include <gmock/gmock.h>

#include <optional>

#include "world/test_client.h"

namespace mailweir::world {
namespace {

TEST(Connections, AtMostSoManyAtOnceAtTheBanner) {
  auto receiver = receiver_of({ConnectionsParameters{.connections = 2}});
  Session first(*receiver, home(), test_start);
  std::optional<Session> second;
  second.emplace(*receiver, home(), test_start);
  EXPECT_TRUE(second->is_open());
  EXPECT_FALSE(Session(*receiver, home(), test_start).is_open());
  EXPECT_TRUE(Session(*receiver, ip("192.0.2.8"), test_start).is_open());
  second.reset();
  EXPECT_TRUE(Session(*receiver, home(), test_start).is_open());
}

TEST(Connections, ARefusedOneIsNotCounted) {
  auto receiver = receiver_of({ConnectionsParameters{.connections = 1}});
  {
    Session first(*receiver, home(), test_start);
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(Session(*receiver, home(), test_start).is_open());
    EXPECT_EQ(receiver->trips(home()), 1U);
  }
  EXPECT_TRUE(Session(*receiver, home(), test_start).is_open());
}

TEST(Connections, WithMailAsPhaseTheExcessConnectsAndIsRefusedThere) {
  auto receiver = receiver_of(
      {ConnectionsParameters{.connections = 1, .phase = Step::mail, .reply = {451, "no"}}});
  std::optional<Session> first;
  first.emplace(*receiver, home(), test_start);
  Session second(*receiver, home(), test_start);
  EXPECT_TRUE(second.is_open());
  EXPECT_EQ(second.send(test_start).step, Step::mail);
  EXPECT_TRUE(first->send(test_start).is_accepted());
  first.reset();
  EXPECT_TRUE(second.send(test_start).is_accepted());
}

TEST(Connections, WhoHasPassedIsNoExcessAgain) {
  auto receiver = receiver_of(
      {ConnectionsParameters{.connections = 1, .phase = Step::mail, .reply = {451, "no"}}});
  std::optional<Session> first;
  first.emplace(*receiver, home(), test_start);
  Session second(*receiver, home(), test_start);
  first.reset();
  EXPECT_TRUE(second.send(test_start).is_accepted());
  Session third(*receiver, home(), test_start);
  EXPECT_TRUE(second.send(test_start).is_accepted());
  EXPECT_FALSE(third.send(test_start).is_accepted());
}

TEST(Connections, AConnectionRefusedByALaterModelIsNotCounted) {
  auto receiver = receiver_of({ConnectionsParameters{.connections = 1},
                               ConnectionRateParameters{.rate = {1, 1h}, .burst = 1}});
  {
    EXPECT_TRUE(Session(*receiver, home(), test_start).is_open());
  }
  {
    EXPECT_FALSE(Session(*receiver, home(), test_start).is_open());
  }
  // An hour later the rate allows one; the cap has not kept the refused one.
  EXPECT_TRUE(Session(*receiver, home(), test_start + 1h).is_open());
}

TEST(ConnectionRate, OverAnyTimeNoMoreThanRateAndBurst) {
  auto receiver = receiver_of({ConnectionRateParameters{.rate = {60, 1min}, .burst = 10}});
  int opened = 0;
  for (Instant now = test_start; now < test_start + 100s; now += 100ms)
    opened += Session(*receiver, home(), now).is_open() ? 1 : 0;
  EXPECT_GE(opened, 108);
  EXPECT_LE(opened, 110);
}

TEST(ConnectionRate, MayRefuseWithoutAWord) {
  auto receiver =
      receiver_of({ConnectionRateParameters{.rate = {1, 1h}, .burst = 1, .manner = Manner::close}});
  send(*receiver, test_start);
  EXPECT_EQ(send(*receiver, test_start).answer.kind, Answer::Kind::close);
}

TEST(SessionLength, EndsTheSessionAfterItsMessages) {
  for (const Manner manner : {Manner::reply, Manner::close}) {
    auto receiver = receiver_of({SessionLengthParameters{.messages = 3, .manner = manner}});
    Session session(*receiver, home(), test_start);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(session.send(test_start).is_accepted());
    const Ending ending = session.send(test_start);
    EXPECT_EQ(ending.step, Step::mail);
    EXPECT_TRUE(ending.answer.ends_session());
    EXPECT_EQ(ending.answer.kind,
              manner == Manner::reply ? Answer::Kind::reply : Answer::Kind::close);
    EXPECT_TRUE(send(*receiver, test_start).is_accepted());
  }
}

TEST(SessionLength, IsNoRefusalToBePunished) {
  auto receiver =
      receiver_of({PenaltyBoxParameters{.trip = {.on = TripOn::refusals, .count = 1, .window = 1h}},
                   SessionLengthParameters{.messages = 1}});
  Session session(*receiver, home(), test_start);
  session.send(test_start);
  EXPECT_FALSE(session.send(test_start).is_accepted());
  EXPECT_FALSE(receiver->is_penalized(home(), test_start));
}

}  // namespace
}  // namespace mailweir::world
