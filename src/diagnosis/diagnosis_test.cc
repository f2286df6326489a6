// Each rule by itself. Time is in seconds from the beginning.
#include "diagnosis/knocks.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <vector>

namespace mailweir::diagnosis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

bool first_at_first(std::uint32_t s, std::uint32_t p, std::uint32_t) {
  return s == 0 && p == 0;
}
bool all_at_first(std::uint32_t, std::uint32_t p, std::uint32_t) {
  return p == 0;
}
bool first_anywhere(std::uint32_t s, std::uint32_t, std::uint32_t) {
  return s == 0;
}
bool everything(std::uint32_t, std::uint32_t, std::uint32_t) {
  return true;
}
bool host_zero(std::uint32_t, std::uint32_t, std::uint32_t h) {
  return h == 0;
}

TEST(Diagnosis, OneOfFourSourcesInSilenceIsBlocked) {
  Knocks knocks(4, 3);
  knocks.run(40, first_at_first);
  const auto found = knocks.found();
  ASSERT_THAT(found, ElementsAre(IsBlock(0U, 0U)));
  EXPECT_LE(found[0].found - Knocks::at(120), std::chrono::seconds(35));
}

TEST(Diagnosis, EvidenceCountsTheAccusedAndTheSiblings) {
  Knocks knocks(4, 3);
  knocks.run(40, first_at_first);
  const auto found = knocks.found();
  ASSERT_THAT(found, SizeIs(1));
  const Evidence& evidence = found[0].evidence;
  EXPECT_EQ(evidence.accused.reached, 0U);
  EXPECT_GE(evidence.accused.failed, 2U);
  EXPECT_GE(evidence.other_sources.reached, 6U);
  EXPECT_EQ(evidence.other_sources.failed, 0U);
  EXPECT_GE(evidence.other_providers.reached, 4U);
  EXPECT_EQ(evidence.sign, Sign::timed_out);
  EXPECT_EQ(evidence.phase, Phase::connect);
  EXPECT_EQ(found[0].since, Knocks::at(150));
}

TEST(Diagnosis, ABlockByRefusalIsFoundInSeconds) {
  Knocks knocks(4, 3);
  knocks.run(10, first_at_first, Sign::refused);
  const auto found = knocks.found();
  ASSERT_THAT(found, ElementsAre(IsBlock(0U, 0U)));
  EXPECT_EQ(found[0].evidence.sign, Sign::refused);
}

TEST(Diagnosis, ABlockIsClearedWhenTheProviderSpeaksAgain) {
  Knocks knocks(4, 3);
  knocks.run(60, first_at_first);
  ASSERT_THAT(knocks.standing(), SizeIs(1));
  knocks.run(60);
  EXPECT_THAT(knocks.standing(), IsEmpty());
  const auto news = knocks.diagnosis().take_findings();
  ASSERT_THAT(news, SizeIs(2));
  EXPECT_LE(news[1].cleared - Knocks::at(180), std::chrono::seconds(10));
}

TEST(Diagnosis, AProviderSilentToAllIsDownAndNobodyIsBlocked) {
  Knocks knocks(4, 3);
  knocks.run(120, all_at_first);
  EXPECT_THAT(knocks.found(), ElementsAre(IsProviderDown(0U)));
}

TEST(Diagnosis, TheEndOfAnOutageBlamesNobody) {
  Knocks knocks(4, 3);
  knocks.run(120, all_at_first);
  knocks.run(300);
  EXPECT_THAT(knocks.found(), SizeIs(1));
  EXPECT_THAT(knocks.standing(), IsEmpty());
}

TEST(Diagnosis, OneHostOfSeveralIsDown) {
  Knocks knocks(3, 2, 3);
  knocks.run(120, host_zero);
  const auto found = knocks.found();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].cause, Cause::host_down);
  EXPECT_EQ(found[0].host, 0U);
  EXPECT_EQ(found[0].provider, 0U);
  EXPECT_GE(found[0].evidence.other_hosts.reached, 6U);
}

TEST(Diagnosis, OneHostOfTwoIsDownForASingleSource) {
  Knocks knocks(1, 2, 2);
  knocks.run(180, host_zero);
  const auto found = knocks.found();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].cause, Cause::host_down);
}

TEST(Diagnosis, TheOnlyHostIsTheProvider) {
  Knocks knocks(3, 3, 1);
  knocks.run(120, host_zero);
  EXPECT_THAT(knocks.found(), ElementsAre(IsProviderDown(0U)));
}

TEST(Diagnosis, ASourceThatReachesNobodyHasLostItsWayOut) {
  Knocks knocks(4, 3);
  knocks.run(120, first_anywhere);
  const auto found = knocks.found();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].cause, Cause::egress_down);
  EXPECT_EQ(found[0].source, 0U);
  EXPECT_EQ(found[0].evidence.accused.reached, 0U);
  EXPECT_GE(found[0].evidence.other_sources.reached, 9U);
}

TEST(Diagnosis, NobodyReachingAnybodyIsOurWayOut) {
  Knocks knocks(4, 3);
  knocks.run(120, everything);
  const auto found = knocks.found();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].cause, Cause::egress_down);
  EXPECT_EQ(found[0].source, none);
}

TEST(Diagnosis, ASingleSourceThatReachesNobodyIsOurWayOut) {
  Knocks knocks(1, 4);
  knocks.run(120, everything);
  const auto found = knocks.found();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].cause, Cause::egress_down);
}

// The same is seen if the one source were blocked there: what is said is what was seen.
TEST(Diagnosis, WithOneSourceASilentProviderIsDown) {
  Knocks knocks(1, 4);
  knocks.run(120, all_at_first);
  EXPECT_THAT(knocks.found(), ElementsAre(IsProviderDown(0U)));
}

TEST(Diagnosis, WithOneProviderInUseItIsTheProvider) {
  Knocks knocks(3, 1);
  knocks.run(120, everything);
  EXPECT_THAT(knocks.found(), ElementsAre(IsProviderDown(0U)));
}

TEST(Diagnosis, WithOneProviderInUseOneSilentSourceIsBlockedThere) {
  Knocks knocks(3, 1);
  knocks.run(120, first_at_first);
  const auto found = knocks.found();
  ASSERT_THAT(found, ElementsAre(IsBlock(0U, 0U)));
  EXPECT_EQ(found[0].evidence.other_providers.reached, 0U);
}

TEST(Diagnosis, RefusalsInWordsAreNoOutage) {
  Knocks knocks(4, 3);
  knocks.phase(Phase::banner);  // 421 and closed: it spoke to us
  knocks.run(600);
  EXPECT_THAT(knocks.found(), IsEmpty());
  EXPECT_EQ(knocks.diagnosis().next_wakeup(), never);
}

TEST(Diagnosis, StrayTimeOutsNameNothing) {
  Knocks knocks(4, 3);
  for (int i = 0; i < 50; ++i) {
    const auto s = static_cast<std::uint32_t>(i % 4);
    const auto p = static_cast<std::uint32_t>(i % 3);
    knocks.once({.source = s, .provider = p, .host = p, .sign = Sign::timed_out});
    knocks.run(10);
  }
  EXPECT_THAT(knocks.found(), IsEmpty());
}

TEST(Diagnosis, IdleSessionsMayBeClosedWithoutAWord) {
  Knocks knocks(4, 3);
  for (int i = 0; i < 200; ++i) {
    knocks.once(
        {.source = 0, .provider = 0, .host = 0, .sign = Sign::dropped, .phase = Phase::idle});
  }
  knocks.run(30);
  EXPECT_THAT(knocks.found(), IsEmpty());
}

TEST(Diagnosis, TlsThatIsFollowedByASessionInClearIsNoOutage) {
  Knocks knocks(3, 3, 2);
  for (int i = 0; i < 100; ++i) {
    knocks.once({.source = 1,
                 .provider = 0,
                 .host = 0,
                 .sign = Sign::tls_cut,
                 .phase = Phase::tls_handshake});
    knocks.once({.source = 1, .provider = 0, .host = 0, .phase = Phase::ehlo});
    knocks.run(1);
  }
  EXPECT_THAT(knocks.found(), IsEmpty());
}

// An open session goes on behind a packet filter that lets no new one in.
TEST(Diagnosis, OldSessionsDoNotHideABlockOfNewOnes) {
  Knocks knocks(4, 3);
  for (int i = 0; i < 60; ++i) {
    knocks.run(1, first_at_first);
    knocks.once({.source = 0, .provider = 0, .host = 0, .phase = Phase::end_of_data});
  }
  EXPECT_THAT(knocks.found(), ElementsAre(IsBlock(0U, 0U)));
}

TEST(Diagnosis, FailuresThatBeganBeforeARecoveryAreNoEvidence) {
  Knocks knocks(4, 3);
  knocks.run(120, all_at_first);
  ASSERT_THAT(knocks.found(), SizeIs(1));
  knocks.run(12);
  ASSERT_THAT(knocks.standing(), IsEmpty());
  for (int i = 0; i < 10; ++i) {
    knocks.once({.source = 0,
                 .provider = 0,
                 .host = 0,
                 .sign = Sign::timed_out,
                 .started = Knocks::at(knocks.now() - 60)});
  }
  knocks.diagnosis().on_time(Knocks::at(knocks.now() + 10));
  EXPECT_THAT(knocks.found(), IsEmpty());
}

TEST(Diagnosis, AtOneMessageAMinuteABlockIsStillFound) {
  Knocks knocks(4, 3);
  knocks.every(60);
  knocks.run(3600);
  knocks.run(900, first_at_first);
  EXPECT_THAT(knocks.found(), ElementsAre(IsBlock(0U, 0U)));
}

TEST(Diagnosis, AWiderFindingTakesThePlaceOfANarrowerOne) {
  Knocks knocks(4, 3);
  knocks.run(45, first_at_first);
  ASSERT_THAT(knocks.standing(), ElementsAre(IsBlock(0U, 0U)));
  knocks.run(90, all_at_first);
  EXPECT_THAT(knocks.standing(), ElementsAre(IsProviderDown(0U)));
}

// Sessions that are open stay open, and nothing comes back: the time-outs of SMTP take minutes.
TEST(Diagnosis, AnswersThatAreOverdueCountBeforeTheirTimeOut) {
  Knocks knocks(4, 3);
  const int began = knocks.now();
  for (std::uint32_t session = 0; session < 3; ++session) {
    knocks.diagnosis().on_waiting(
        session,
        {.source = 0, .provider = 0, .host = 0, .sign = Sign::timed_out, .phase = Phase::mail},
        Knocks::at(began));
  }
  for (int i = 0; i < 30; ++i) {
    knocks.once({.source = 1, .provider = 0, .host = 0});
    knocks.once({.source = 0, .provider = 1, .host = 1});
    knocks.skip(1);
  }
  EXPECT_THAT(knocks.found(), ElementsAre(IsBlock(0U, 0U)));
  EXPECT_TRUE(knocks.diagnosis().on_answer(0, false, Knocks::at(knocks.now())));
}

// Openings count as missing before it is known at which host they hung.
TEST(Diagnosis, OpeningsThatHangTogetherAtOneHostAreItsFailures) {
  Knocks knocks(6, 2, 4);
  const auto hang = [&](std::uint32_t source, std::uint32_t host, bool host_only) {
    knocks.once({.source = source,
                 .provider = 0,
                 .host = host,
                 .sign = Sign::timed_out,
                 .started = Knocks::at(knocks.now() - 30),
                 .host_only = host_only});
  };
  const auto sources = {0U, 1U, 2U, 3U, 4U};
  for (const std::uint32_t source : sources) hang(source, none, false);
  for (const std::uint32_t source : sources) {
    hang(source, 0, true);
    knocks.once({.source = source, .provider = 0, .host = 1});
  }
  for (int i = 0; i < 10; ++i) knocks.once({.source = 5, .provider = 0, .host = 2});
  knocks.skip(5);
  EXPECT_THAT(knocks.found(), ElementsAre(testing::Field(&Finding::cause, Cause::host_down)));
}

// Source 0 has mail for two of four providers only: one drops its packets, one is down to all.
TEST(Diagnosis, AProviderThatIsDownToAllIsNoSignOfASourcesOwnTrouble) {
  Knocks knocks(4, 4);
  for (int second = 0; second < 600; ++second) {
    for (const std::uint32_t source : {0U, 1U, 2U, 3U}) {
      knocks.once({.source = source, .provider = 1, .host = 1, .sign = Sign::timed_out});
      if (source > 0) knocks.once({.source = source, .provider = 0, .host = 0});
      if (source > 0) knocks.once({.source = source, .provider = 2, .host = 2});
    }
    knocks.once({.source = 0, .provider = 0, .host = 0, .sign = Sign::timed_out});
    knocks.skip(1);
  }
  const std::vector<Finding> found = knocks.found();
  EXPECT_THAT(found, testing::Contains(IsProviderDown(1U)));
  EXPECT_THAT(found,
              testing::Not(testing::Contains(testing::Field(&Finding::cause, Cause::egress_down))));
}

TEST(Diagnosis, TwoBlocksAtOnceAreTwo) {
  Knocks knocks(4, 3);
  knocks.run(60, [](std::uint32_t s, std::uint32_t p, std::uint32_t) { return s < 2 && p == 0; });
  EXPECT_THAT(knocks.found(), UnorderedElementsAre(IsBlock(0U, 0U), IsBlock(1U, 0U)));
}

TEST(Diagnosis, AProviderNobodyEverReachedIsNotMissedAtOnce) {
  Knocks knocks(4, 3);
  for (int i = 0; i < 7; ++i) {
    knocks.once({.source = static_cast<std::uint32_t>(i % 4),
                 .provider = 9,
                 .host = 99,
                 .sign = Sign::timed_out});
    knocks.run(60);
  }
  EXPECT_THAT(knocks.found(), IsEmpty());
}

TEST(Diagnosis, FailingLookUpsAreDnsTrouble) {
  Knocks knocks(2, 2);
  for (int i = 0; i < 60; ++i) {
    knocks.run(1);
    knocks.diagnosis().on_lookup(i < 30 || i > 45, Knocks::at(knocks.now()));
  }
  auto found = knocks.found();
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].cause, Cause::dns_trouble);
  EXPECT_GE(found[0].evidence.accused.failed, 4U);
  EXPECT_THAT(knocks.standing(), IsEmpty());
}

TEST(Diagnosis, AFewFailingNamesAreNotDnsTrouble) {
  Diagnosis diagnosis;
  for (int i = 0; i < 2000; ++i) diagnosis.on_lookup(i % 20 != 0, Knocks::at(i));
  EXPECT_THAT(diagnosis.take_findings(), IsEmpty());
}

TEST(Diagnosis, WhatIsForgottenHasNoFinding) {
  Knocks knocks(4, 3, 2);
  knocks.run(60, first_at_first);
  ASSERT_THAT(knocks.standing(), SizeIs(1));
  knocks.diagnosis().take_findings();
  knocks.diagnosis().forget_provider(0);
  EXPECT_THAT(knocks.standing(), IsEmpty());
  const auto news = knocks.diagnosis().take_findings();
  ASSERT_THAT(news, SizeIs(1));
  EXPECT_NE(news[0].cleared, never);
  // The number is another's now, and begins anew.
  knocks.run(120);
  EXPECT_THAT(knocks.found(), IsEmpty());
}

TEST(Diagnosis, AForgottenHostIsNoLongerDown) {
  Knocks knocks(3, 2, 3);
  knocks.run(120, host_zero);
  ASSERT_THAT(knocks.standing(), SizeIs(1));
  knocks.diagnosis().forget_host(0);
  EXPECT_THAT(knocks.standing(), IsEmpty());
}

TEST(Diagnosis, NothingIsLookedAtOnceAllIsWell) {
  Knocks knocks(4, 3);
  knocks.run(60, first_at_first);
  knocks.run(300);
  EXPECT_EQ(knocks.diagnosis().next_wakeup(), never);
}

}  // namespace
}  // namespace mailweir::diagnosis
