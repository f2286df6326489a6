#include "diagnosis/waiting.h"

#include <gmock/gmock.h>

namespace mailweir::diagnosis {
namespace {

Instant at(int seconds) {
  return Instant{} + std::chrono::seconds(1000 + seconds);
}

std::vector<std::uint32_t> overdue(Waiting& waiting, int second) {
  std::vector<std::uint32_t> sources;
  Contact contact;
  while (waiting.take(contact, at(second))) sources.push_back(contact.source);
  return sources;
}

Contact knock(std::uint32_t source, Phase phase = Phase::mail) {
  return {.source = source, .provider = 0, .sign = Sign::timed_out, .phase = phase};
}

TEST(Waiting, AnAnswerIsOverdueAfterTwentyFiveSeconds) {
  Waiting waiting;
  waiting.begin(7, knock(1), at(0));
  EXPECT_EQ(waiting.next(), at(25));
  EXPECT_THAT(overdue(waiting, 24), testing::IsEmpty());
  EXPECT_THAT(overdue(waiting, 25), testing::ElementsAre(1U));
  EXPECT_EQ(waiting.next(), never);
}

TEST(Waiting, WhatIsAnsweredIsNot) {
  Waiting waiting;
  waiting.begin(1, knock(1), at(0));
  waiting.begin(2, knock(2), at(1));
  waiting.begin(3, knock(3), at(2));
  EXPECT_FALSE(waiting.end(2, true, at(3)));
  EXPECT_THAT(overdue(waiting, 60), testing::ElementsAre(1U, 3U));
}

TEST(Waiting, OverdueIsToldOnceAndRemembered) {
  Waiting waiting;
  waiting.begin(1, knock(1), at(0));
  EXPECT_THAT(overdue(waiting, 30), testing::SizeIs(1));
  EXPECT_THAT(overdue(waiting, 300), testing::IsEmpty());
  EXPECT_TRUE(waiting.end(1, true, at(301)));
  EXPECT_FALSE(waiting.end(1, true, at(302)));
}

TEST(Waiting, ASecondWaitInASessionTakesTheFirstOnesPlace) {
  Waiting waiting;
  waiting.begin(1, knock(1), at(0));
  waiting.begin(1, knock(1), at(15));
  EXPECT_THAT(overdue(waiting, 39), testing::IsEmpty());
  EXPECT_THAT(overdue(waiting, 40), testing::SizeIs(1));
}

TEST(Waiting, AContentMayTakeAMinute) {
  Waiting waiting;
  waiting.begin(1, knock(1, Phase::end_of_data), at(0));
  EXPECT_THAT(overdue(waiting, 59), testing::IsEmpty());
  EXPECT_THAT(overdue(waiting, 60), testing::SizeIs(1));
}

TEST(Waiting, AnOpeningHangsAfterTenSecondsAndIsOverdueAfterTwentyFive) {
  Waiting waiting;
  Contact opening = knock(1, Phase::connect);
  opening.host = 4;
  waiting.begin(1, opening, at(0));
  EXPECT_EQ(waiting.next(), at(10));
  Contact hung;
  EXPECT_FALSE(waiting.take_hung(hung, at(9)));
  ASSERT_TRUE(waiting.take_hung(hung, at(10)));
  EXPECT_EQ(hung.source, 1U);
  EXPECT_FALSE(waiting.take_hung(hung, at(20))) << "told twice";
  EXPECT_EQ(waiting.next(), at(25));
  EXPECT_THAT(overdue(waiting, 24), testing::IsEmpty());
  EXPECT_THAT(overdue(waiting, 25), testing::ElementsAre(1U));
}

TEST(Waiting, WhereAnyOfSeveralHostsMayBeTriedTheSecondGetsItsTurn) {
  Waiting waiting;
  waiting.begin(1, knock(1, Phase::connect), at(0));
  Contact hung;
  ASSERT_TRUE(waiting.take_hung(hung, at(10)));
  EXPECT_THAT(overdue(waiting, 34), testing::IsEmpty());
  EXPECT_THAT(overdue(waiting, 35), testing::SizeIs(1));
}

TEST(Waiting, AGreetingMayTakeNinetySeconds) {
  Waiting waiting;
  waiting.begin(1, knock(1, Phase::banner), at(0));
  EXPECT_THAT(overdue(waiting, 89), testing::IsEmpty());
  EXPECT_THAT(overdue(waiting, 90), testing::SizeIs(1));
}

TEST(Waiting, SlowAnswersAreNoReasonToWaitLongerForAConnection) {
  Waiting waiting;
  waiting.begin(1, knock(1, Phase::banner), at(0));
  waiting.end(1, true, at(60));
  waiting.begin(1, knock(1, Phase::connect), at(100));
  Contact hung;
  ASSERT_TRUE(waiting.take_hung(hung, at(110)));
  EXPECT_THAT(overdue(waiting, 135), testing::SizeIs(1));
}

TEST(Waiting, WhereAnswersAreSlowOverdueIsLater) {
  Waiting waiting;
  waiting.begin(1, knock(1), at(0));
  waiting.end(1, true, at(15));
  waiting.begin(1, knock(1), at(100));
  EXPECT_THAT(overdue(waiting, 159), testing::IsEmpty());
  EXPECT_THAT(overdue(waiting, 160), testing::SizeIs(1));
}

TEST(Waiting, ALostSessionSaysNothingOfHowSlowAnswersAre) {
  Waiting waiting;
  waiting.begin(1, knock(1), at(0));
  waiting.end(1, false, at(300));
  waiting.begin(1, knock(1), at(400));
  EXPECT_THAT(overdue(waiting, 425), testing::SizeIs(1));
}

TEST(Waiting, TheSessionsOfAForgottenProviderAreForgotten) {
  Waiting waiting;
  waiting.begin(1, knock(1), at(0));
  waiting.forget_provider(0);
  EXPECT_FALSE(waiting.is_waiting(1));
  EXPECT_EQ(waiting.next(), never);
}

}  // namespace
}  // namespace mailweir::diagnosis
