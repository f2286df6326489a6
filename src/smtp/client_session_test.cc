// What is said when, and who gets which reply. How sessions end: client_session_ending_test.cc.
#include "smtp/client_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smtp/client_dialogue.h"

namespace mailweir::smtp::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(ClientSession, SaysNothingUntilThereIsSomethingToSend) {
  Dialogue d(pipelining);
  EXPECT_EQ(d.write(), "");
  EXPECT_TRUE(d.session.is_idle());
  EXPECT_EQ(d.session.due_phase(), Phase::idle);
}

TEST(ClientSession, PipelinesTheEnvelopeAndWaitsForDataBeforeContent) {
  Dialogue d(pipelining);
  d.add(1, 2);
  EXPECT_EQ(d.write(), "MAIL FROM:<s1@a>\r\nRCPT TO:<r0@b>\r\nRCPT TO:<r1@b>\r\nDATA\r\n");
  d.hear({250, 250, 250});
  EXPECT_EQ(d.session.due_phase(), Phase::data);
  EXPECT_EQ(d.write(), "");
  d.hear({354});
  EXPECT_EQ(d.write(), "body1\r\n.\r\n");
  EXPECT_EQ(d.session.due_phase(), Phase::end_of_data);
  d.hear({250});
  EXPECT_THAT(d.finished(), ElementsAre("1: end_of_data/250 end_of_data/250"));
  EXPECT_EQ(d.last.transcript, "");
  EXPECT_TRUE(d.session.is_idle());
}

TEST(ClientSession, TheNextEnvelopeRidesBehindTheFinalDot) {
  Dialogue d(pipelining);
  d.add(1);
  d.add(2);
  d.write();
  d.hear({250, 250, 354});
  EXPECT_EQ(d.write(), "body1\r\n.\r\nMAIL FROM:<s2@a>\r\nRCPT TO:<r0@b>\r\nDATA\r\n");
  d.hear({250, 250, 250, 354});
  EXPECT_EQ(d.write(), "body2\r\n.\r\n");
  EXPECT_THAT(d.finished(), ElementsAre("1: end_of_data/250"));
  d.hear({452});
  EXPECT_THAT(d.finished(), ElementsAre("2: end_of_data/452"));
}

TEST(ClientSession, AnEnvelopeThatComesLateStillOvertakesTheFinalReply) {
  Dialogue d(pipelining);
  d.add(1);
  d.write();
  d.hear({250, 250, 354});
  EXPECT_EQ(d.write(), "body1\r\n.\r\n");
  d.add(2);
  d.add(3);
  EXPECT_EQ(d.write(), "MAIL FROM:<s2@a>\r\nRCPT TO:<r0@b>\r\nDATA\r\n") << "but not two of them";
  d.hear({250});
  EXPECT_EQ(d.session.due_phase(), Phase::mail);
  EXPECT_THAT(d.finished(), ElementsAre("1: end_of_data/250"));
}

TEST(ClientSession, WithoutPipeliningEveryCommandWaits) {
  Dialogue d(lock_step);
  d.add(1, 2);
  d.add(2);
  EXPECT_EQ(d.write(), "MAIL FROM:<s1@a>\r\n");
  d.hear({250});
  EXPECT_EQ(d.write(), "RCPT TO:<r0@b>\r\n");
  d.hear({250});
  EXPECT_EQ(d.write(), "RCPT TO:<r1@b>\r\n");
  d.hear({550});
  EXPECT_EQ(d.write(), "DATA\r\n");
  d.hear({354});
  EXPECT_EQ(d.write(), "body1\r\n.\r\n");
  d.hear({250});
  EXPECT_THAT(d.finished(), ElementsAre("1: end_of_data/250 rcpt/550"));
  EXPECT_EQ(d.write(), "MAIL FROM:<s2@a>\r\n");
}

TEST(ClientSession, WithoutPipeliningNobodyAcceptedMeansNoDataButAReset) {
  Dialogue d(lock_step);
  d.add(1, 2);
  d.add(2);
  d.write();
  d.hear({250});
  d.write();
  d.hear({550});
  d.write();
  d.hear({451});
  EXPECT_THAT(d.finished(), ElementsAre("1: rcpt/550 rcpt/451"));
  EXPECT_EQ(d.write(), "RSET\r\n");
  d.hear({250});
  EXPECT_EQ(d.write(), "MAIL FROM:<s2@a>\r\n");
}

TEST(ClientSession, WithoutPipeliningARefusedMailEndsTheTransactionAtOnce) {
  Dialogue d(lock_step);
  d.add(1, 2);
  d.add(2);
  d.write();
  d.hear({550});
  EXPECT_THAT(d.finished(), ElementsAre("1: mail/550 mail/550"));
  EXPECT_EQ(d.write(), "MAIL FROM:<s2@a>\r\n") << "there is nothing to reset";
}

TEST(ClientSession, APipelinedRefusalOfMailSwallowsTheRepliesBehindIt) {
  Dialogue d(pipelining);
  d.add(1, 2);
  d.add(2);
  d.write();
  d.hear({451, 503, 503});
  EXPECT_THAT(d.finished(), IsEmpty());
  d.hear({503});
  EXPECT_THAT(d.finished(), ElementsAre("1: mail/451 mail/451"));
  EXPECT_EQ(d.write(), "MAIL FROM:<s2@a>\r\nRCPT TO:<r0@b>\r\nDATA\r\n");
}

TEST(ClientSession, PartRefusedPartDelivered) {
  Dialogue d(pipelining);
  d.add(1, 3);
  d.write();
  d.hear({250, 250, 550, 452, 354});
  EXPECT_EQ(d.write(), "body1\r\n.\r\n");
  d.hear({250});
  EXPECT_THAT(d.finished(), ElementsAre("1: end_of_data/250 rcpt/550 rcpt/452"));
  EXPECT_THAT(d.last.transcript, HasSubstr("C: RCPT TO:<r1@b>\nS: 550 said 550\n"));
  EXPECT_THAT(d.last.transcript,
              HasSubstr("S: 354 said 354\nC: [content, 7 bytes]\nS: 250 said 250\n"));
  EXPECT_THAT(d.last.transcript, Not(HasSubstr("body1")));
}

TEST(ClientSession, AllRefusedAndDataRefusedNeedsAReset) {
  Dialogue d(pipelining);
  d.add(1, 2);
  d.add(2);
  d.write();
  d.hear({250, 550, 550, 554});
  EXPECT_THAT(d.finished(), ElementsAre("1: rcpt/550 rcpt/550"));
  EXPECT_EQ(d.write(), "RSET\r\nMAIL FROM:<s2@a>\r\nRCPT TO:<r0@b>\r\nDATA\r\n");
  d.hear({250, 250, 250, 354});
  EXPECT_EQ(d.write(), "body2\r\n.\r\n");
  d.hear({250});
  EXPECT_THAT(d.finished(), ElementsAre("2: end_of_data/250"));
}

TEST(ClientSession, DataAcceptedForNobodyIsAnsweredWithALoneDot) {
  Dialogue d(pipelining);
  d.add(1);
  d.add(2);
  d.write();
  d.hear({250, 550, 354});
  EXPECT_EQ(d.write(), ".\r\nMAIL FROM:<s2@a>\r\nRCPT TO:<r0@b>\r\nDATA\r\n");
  d.hear({250});
  EXPECT_THAT(d.finished(), ElementsAre("1: rcpt/550")) << "a 250 to the dot delivers nothing";
  d.hear({250, 250, 354});
  EXPECT_EQ(d.write(), "body2\r\n.\r\n");
}

TEST(ClientSession, MailRefusedYetDataAcceptedIsAnsweredWithALoneDot) {
  Dialogue d(pipelining);
  d.add(1);
  d.write();
  d.hear({550, 250, 354});
  EXPECT_EQ(d.write(), ".\r\n");
  d.hear({554});
  EXPECT_THAT(d.finished(), ElementsAre("1: mail/550"));
}

TEST(ClientSession, RefusedDataDefersOnlyWhomRcptAccepted) {
  Dialogue d(pipelining);
  d.add(1, 2);
  d.add(2);
  d.write();
  d.hear({250, 550, 250, 451});
  EXPECT_THAT(d.finished(), ElementsAre("1: rcpt/550 data/451"));
  EXPECT_THAT(d.write(), HasSubstr("RSET\r\nMAIL"));
}

TEST(ClientSession, QuitRidesBehindTheLastDot) {
  Dialogue d(pipelining);
  d.add(1);
  d.session.finish();
  EXPECT_EQ(d.write(), "MAIL FROM:<s1@a>\r\nRCPT TO:<r0@b>\r\nDATA\r\n");
  d.hear({250, 250, 354});
  EXPECT_EQ(d.write(), "body1\r\n.\r\nQUIT\r\n");
  d.hear({250});
  EXPECT_EQ(d.session.due_phase(), Phase::quit);
  EXPECT_THAT(d.finished(), ElementsAre("1: end_of_data/250"));
  d.hear({221});
  EXPECT_TRUE(d.session.is_over());
  EXPECT_FALSE(d.session.ended_in_nonsense());
}

TEST(ClientSession, QuitWaitsItsTurnInLockStep) {
  Dialogue d(lock_step);
  d.add(1);
  d.session.finish();
  for (const int code : {250, 250, 354}) {
    d.write();
    d.hear({code});
  }
  EXPECT_EQ(d.write(), "body1\r\n.\r\n");
  d.hear({250});
  EXPECT_EQ(d.write(), "QUIT\r\n");
}

TEST(ClientSession, ObstaclesCostTheSessionNothing) {
  Dialogue d({.pipelining = true, .size = true, .size_max = 3});
  d.add(1, 2);
  EXPECT_THAT(d.finished(), ElementsAre("1: obstacle obstacle"));
  EXPECT_EQ(d.last.obstacle, Obstacle::message_too_large);
  EXPECT_EQ(d.write(), "");
  EXPECT_TRUE(d.session.is_idle());
}

TEST(ClientSession, DroppingTheQueueLeavesWhatHasBegun) {
  Dialogue d(pipelining);
  d.add(1);
  d.add(2);
  d.write();
  d.session.drop_queued();
  EXPECT_THAT(d.finished(), ElementsAre("2: not_begun"));
  d.hear({250, 250, 354});
  EXPECT_EQ(d.write(), "body1\r\n.\r\n");
}

TEST(ClientSession, WhatIsAddedAfterTheEndIsNotBegun) {
  Dialogue d(pipelining);
  d.hear({421});
  d.add(1);
  EXPECT_THAT(d.finished(), ElementsAre("1: not_begun"));
}

TEST(ClientSession, WaitsAreMeasuredPerPhase) {
  using std::chrono::milliseconds;
  Dialogue d(pipelining);
  d.add(1, 2);
  d.write();
  for (const auto [wait, code] : {std::pair{10, 250}, {20, 250}, {5, 250}, {1, 354}}) {
    d.now += milliseconds(wait);
    d.hear({code});
  }
  d.now += milliseconds(1000);
  d.write();
  d.now += milliseconds(40);
  d.hear({250});
  d.finished();
  EXPECT_THAT(d.last.waits,
              ElementsAre(milliseconds(10), milliseconds(25), milliseconds(1), milliseconds(40)));
  EXPECT_EQ(d.last.started, Instant(std::chrono::seconds(1)));
}

TEST(ClientSession, TheTranscriptIsBoundedAndEscaped) {
  Dialogue d(pipelining, 300);
  d.add(1, 50);
  d.write();
  d.session.feed(reply(550, "no\x1b[2J\nway"), d.now);
  for (int i = 0; i < 51; ++i) d.hear({503});
  d.finished();
  EXPECT_EQ(d.last.transcript, "C: MAIL FROM:<s1@a>\nS: 550-no\\x1B[2J\nS: 550 way\n");

  d.add(2, 50);
  d.write();
  d.hear({250});
  for (int i = 0; i < 51; ++i) d.hear({550});
  d.finished();
  EXPECT_LE(d.last.transcript.size(), 300u);
  EXPECT_THAT(d.last.transcript, HasSubstr("[cut]"));
}

}  // namespace
}  // namespace mailweir::smtp::testing
