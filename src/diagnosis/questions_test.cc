// What is asked for, and what the answers are good for. Time is in seconds from the beginning.
#include <gmock/gmock.h>

#include <vector>

#include "diagnosis/knocks.h"

namespace mailweir::diagnosis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Questions, ASuspicionAsksForKnocksOneAfterTheOther) {
  Knocks knocks(4, 3);
  const auto asked = [&] { return knocks.diagnosis().take_questions(); };
  asked();
  const auto fail = [&] {
    knocks.once({.source = 2, .provider = 1, .host = 1, .sign = Sign::timed_out});
  };
  fail();
  const auto questions = asked();
  ASSERT_THAT(questions, SizeIs(1));
  EXPECT_EQ(questions[0].source, 2U);
  EXPECT_EQ(questions[0].provider, 1U);
  fail();
  EXPECT_THAT(asked(), IsEmpty());
  knocks.skip(11);
  EXPECT_THAT(asked(), SizeIs(1));
  knocks.once({.source = 2, .provider = 1, .host = 1});
  knocks.skip(11);
  EXPECT_THAT(asked(), IsEmpty()) << "it was reached meanwhile";
}

// One session hangs, nothing else is sent there: the knocks asked for tell within a minute.
TEST(Questions, AskedKnocksFindABlockWithoutTraffic) {
  Knocks knocks(4, 3);
  const int began = knocks.now();
  std::uint32_t session = 0;
  const auto wait = [&] {
    knocks.diagnosis().on_waiting(session++,
                                  {.source = 0,
                                   .provider = 0,
                                   .host = none,
                                   .sign = Sign::timed_out,
                                   .phase = Phase::connect},
                                  Knocks::at(knocks.now()));
  };
  wait();
  while (knocks.standing().empty() && knocks.now() < began + 60) {
    for (const auto& question : knocks.diagnosis().take_questions()) {
      if (question.source == 0 && question.provider == 0) wait();
    }
    knocks.once({.source = 1, .provider = 0, .host = 0});
    knocks.once({.source = 0, .provider = 1, .host = 1});
    knocks.skip(1);
  }
  EXPECT_THAT(knocks.found(), ElementsAre(IsBlock(0U, 0U)));
  EXPECT_LE(knocks.now() - began, 55);
}

TEST(Questions, AnOpeningThatHangsIsTriedASecondTimeAtOnce) {
  Knocks knocks(4, 3);
  knocks.diagnosis().take_questions();
  knocks.diagnosis().on_waiting(
      0, {.source = 2, .provider = 1, .sign = Sign::timed_out, .phase = Phase::connect},
      Knocks::at(knocks.now()));
  knocks.skip(9);
  EXPECT_THAT(knocks.diagnosis().take_questions(), IsEmpty());
  knocks.skip(1);
  const auto questions = knocks.diagnosis().take_questions();
  ASSERT_THAT(questions, SizeIs(1));
  EXPECT_EQ(questions[0].source, 2U);
  EXPECT_EQ(questions[0].provider, 1U);
}

TEST(Questions, AHostIsAskedAfterUntilItIsReached) {
  Knocks knocks(4, 3, 2);
  const auto asked = [&] { return knocks.diagnosis().take_questions(); };
  asked();
  const auto sources_asked = [&] {
    std::vector<std::uint32_t> sources;
    for (const Question& question : asked()) {
      if (question.provider == 1 && question.host == 2) sources.push_back(question.source);
    }
    return sources;
  };
  knocks.once({.source = 2, .provider = 1, .host = 2, .sign = Sign::timed_out});
  knocks.once({.source = 2, .provider = 1, .host = 3});
  asked();
  for (int knock = 0; knock < 5; ++knock) {
    knocks.skip(10);
    EXPECT_THAT(sources_asked(), testing::UnorderedElementsAre(2U, 3U, 1U)) << knock;
  }
  knocks.once({.source = 0, .provider = 1, .host = 2});  // … by the sixth time
  knocks.skip(10);
  EXPECT_THAT(sources_asked(), IsEmpty());
}

// It has no mail for anybody else, so nothing shows that it reaches others.
TEST(Questions, ASourceThatIsSuspectedKnocksElsewhere) {
  Knocks knocks(4, 3);
  const auto refuse = [&] {
    knocks.once({.source = 0, .provider = 0, .host = 0, .sign = Sign::refused});
  };
  for (int second = 0; second < 120; ++second) {
    if (second % 20 == 0) refuse();
    for (const Question& question : knocks.diagnosis().take_questions()) {
      if (question.source == 0 && question.provider != 0)
        knocks.once({.source = 0, .provider = question.provider, .host = question.provider});
    }
    for (const std::uint32_t sibling : {1U, 2U, 3U}) {
      for (const std::uint32_t provider : {0U, 1U, 2U})
        knocks.once({.source = sibling, .provider = provider, .host = provider});
    }
    knocks.skip(1);
  }
  EXPECT_THAT(knocks.found(), ElementsAre(IsBlock(0U, 0U)));
}

}  // namespace
}  // namespace mailweir::diagnosis
