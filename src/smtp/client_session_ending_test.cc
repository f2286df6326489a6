// Sessions that end before their time: 421, silence, nonsense; and who is blamed for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "smtp/client_dialogue.h"

namespace mailweir::smtp::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ClientSessionEnding, ShutdownEndsTheSessionNotTheMessagesBehind) {
  Dialogue d(pipelining);
  d.add(1);
  d.add(2);
  d.add(3);
  d.write();
  d.hear({250, 250, 354});
  d.write();
  d.hear({421});
  EXPECT_TRUE(d.session.is_over());
  EXPECT_THAT(d.finished(), ElementsAre("1: end_of_data/421", "2: not_begun", "3: not_begun"));
  EXPECT_EQ(d.session.farewell().code, 0) << "it belonged to the transaction";
}

TEST(ClientSessionEnding, ShutdownAtTheFirstMailBelongsToIt) {
  Dialogue d(pipelining);
  d.add(1, 2);
  d.write();
  d.hear({421});
  EXPECT_THAT(d.finished(), ElementsAre("1: mail/421 mail/421"));
}

TEST(ClientSessionEnding, ShutdownAtALaterMailIsAFarewell) {
  Dialogue d(pipelining);
  d.add(1);
  d.add(2);
  d.write();
  d.hear({250, 250, 354});
  d.write();
  d.hear({250, 421});
  EXPECT_THAT(d.finished(), ElementsAre("1: end_of_data/250", "2: not_begun"));
  EXPECT_EQ(d.session.farewell().code, 421);
}

TEST(ClientSessionEnding, ShutdownAmidRecipientsCoversAllNotYetRefused) {
  Dialogue d(pipelining);
  d.add(1, 4);
  d.write();
  d.hear({250, 250, 550, 421});
  EXPECT_THAT(d.finished(), ElementsAre("1: rcpt/421 rcpt/550 rcpt/421 rcpt/421"));
}

TEST(ClientSessionEnding, ShutdownWhileIdleIsAFarewell) {
  Dialogue d(pipelining);
  d.hear({421});
  EXPECT_TRUE(d.session.is_over());
  EXPECT_EQ(d.session.farewell().code, 421);
  EXPECT_FALSE(d.session.ended_in_nonsense());
}

TEST(ClientSessionEnding, AReplyNobodyAskedForEndsTheSession) {
  Dialogue d(pipelining);
  d.hear({250});
  EXPECT_TRUE(d.session.is_over());
  EXPECT_TRUE(d.session.ended_in_nonsense());
}

TEST(ClientSessionEnding, RepliesSentInAdvanceDeliverNothing) {
  Dialogue d(pipelining);
  d.add(1);
  d.write();
  d.hear({250, 250, 354, 250});
  EXPECT_THAT(d.finished(), ElementsAre("1: data/nonsense"));
  EXPECT_TRUE(d.session.is_over());
}

TEST(ClientSessionEnding, AnAcceptanceBeforeTheContentIsOutDeliversNothing) {
  Dialogue d(pipelining);
  d.add(1);
  d.write();
  d.hear({250, 250, 354});
  d.begin_write();
  d.hear({250});
  EXPECT_THAT(d.finished(), ElementsAre("1: end_of_data/nonsense"));
}

TEST(ClientSessionEnding, ARefusalBeforeTheContentIsOutSparesTheRest) {
  Dialogue d(pipelining);
  d.add(1);
  d.add(2);
  d.write();
  d.hear({250, 250, 354});
  d.begin_write();
  d.hear({552});
  EXPECT_THAT(d.finished(), ElementsAre("1: end_of_data/552", "2: not_begun"));
  EXPECT_TRUE(d.session.is_over());
}

TEST(ClientSessionEnding, RepliesThatMakeNoSenseEndTheSession) {
  const std::vector<std::vector<int>> dialogues = {
      {354}, {250, 354}, {250, 250, 250}, {250, 250, 334}};
  for (const auto& codes : dialogues) {
    Dialogue d(pipelining);
    d.add(1);
    d.add(2);
    d.write();
    for (const int code : codes) d.hear({code});
    EXPECT_TRUE(d.session.is_over());
    EXPECT_TRUE(d.session.ended_in_nonsense());
    const auto finished = d.finished();
    ASSERT_EQ(finished.size(), 2u);
    EXPECT_THAT(finished[0], HasSubstr("nonsense"));
    EXPECT_EQ(finished[1], "2: not_begun");
    EXPECT_EQ(d.write(), "");
  }
}

TEST(ClientSessionEnding, ARefusedResetEndsTheSessionWithoutBlame) {
  Dialogue d(pipelining);
  d.add(1);
  d.write();
  d.hear({250, 550, 554});
  d.add(2);
  EXPECT_THAT(d.write(), HasSubstr("RSET\r\n"));
  d.hear({502});
  EXPECT_THAT(d.finished(), ElementsAre("1: rcpt/550", "2: not_begun"));
}

TEST(ClientSessionEnding, SilenceIsChargedToTheCommandThatWaits) {
  const std::vector<std::pair<std::vector<int>, std::string>> cases = {
      {{}, "mail/silence mail/silence"},
      {{250}, "rcpt/silence rcpt/silence"},
      {{250, 550}, "rcpt/550 rcpt/silence"},
      {{250, 250, 250}, "data/silence data/silence"},
      {{250, 250, 550, 354}, "end_of_data/silence rcpt/550"}};
  for (const auto& [codes, expected] : cases) {
    Dialogue d(pipelining);
    d.add(1, 2);
    d.add(2);
    d.write();
    for (const int code : codes) d.hear({code});
    d.write();
    d.session.on_lost(true, d.now);
    EXPECT_THAT(d.finished(), ElementsAre("1: " + expected, "2: not_begun"));
  }
}

TEST(ClientSessionEnding, AConnectionLostBetweenTransactionsBlamesNone) {
  Dialogue d(pipelining);
  d.add(1);
  d.add(2);
  d.write();
  d.hear({250, 250, 354});
  d.write();
  d.hear({250});
  d.session.on_lost(true, d.now);
  EXPECT_THAT(d.finished(), ElementsAre("1: end_of_data/250", "2: not_begun"));
}

TEST(ClientSessionEnding, ATimeoutBetweenTransactionsIsCharged) {
  Dialogue d(pipelining);
  d.add(1);
  d.add(2);
  d.write();
  d.hear({250, 250, 354});
  d.write();
  d.hear({250});
  d.session.on_lost(false, d.now);
  EXPECT_THAT(d.finished(), ElementsAre("1: end_of_data/250", "2: mail/silence"));
}

// Whatever a server says: every transaction ends exactly once, and then nothing more is said.
TEST(ClientSessionEnding, SurvivesServersThatSayAnything) {
  constexpr int codes[] = {220, 250, 250, 250, 250, 354, 354, 421, 450, 550, 554};
  for (unsigned seed = 0; seed < 3000; ++seed) {
    std::mt19937 random(seed);
    Dialogue d(seed % 2 == 0 ? pipelining : lock_step);
    std::vector<std::string> finished;
    for (std::uint64_t n = 1; n <= 3; ++n) d.add(n, 1 + random() % 3);
    if (random() % 2 == 0) d.session.finish();
    for (int step = 0; step < 60 && !d.session.is_over(); ++step) {
      d.write();
      if (random() % 40 == 0) d.session.on_lost(random() % 2 == 0, d.now);
      d.hear({codes[random() % std::size(codes)]});
      for (auto& line : d.finished()) finished.push_back(line);
    }
    d.session.on_lost(true, d.now);
    for (auto& line : d.finished()) finished.push_back(line);
    ASSERT_EQ(finished.size(), 3u) << "seed " << seed;
    EXPECT_EQ(d.write(), "");
  }
}

}  // namespace
}  // namespace mailweir::smtp::testing
