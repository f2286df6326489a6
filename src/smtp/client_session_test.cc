#include "smtp/client_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "mail/dot_stuffing.h"
#include "mail/reply_parser.h"

namespace mailweir::smtp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr PeerCapabilities pipelining{.pipelining = true};
constexpr PeerCapabilities lock_step{};

Reply reply(int code, std::string text = "") {
  return Reply{static_cast<std::uint16_t>(code), std::nullopt, std::move(text)};
}

// A session with messages of its own making; write() is what goes over the wire.
class Dialogue {
 public:
  explicit Dialogue(PeerCapabilities peer, std::size_t transcript_max = 4096)
      : session(peer, transcript_max) {}

  // Message n: from s<n>@a to r0@b, r1@b, …, with content "body<n>".
  void add(std::uint64_t n, std::size_t recipients = 1) {
    Envelope& envelope = envelopes_.emplace_back();
    envelope.reverse_path.mailbox = Mailbox::from_parts("s" + std::to_string(n), "a");
    ClientTransaction transaction{TransactionId{n}, &envelope, {}, {}};
    for (std::size_t i = 0; i < recipients; ++i) {
      Recipient recipient;
      recipient.mailbox = Mailbox::from_parts("r" + std::to_string(i), "b");
      envelope.recipients.push_back(recipient);
      transaction.recipients.push_back(static_cast<std::uint16_t>(i));
    }
    transaction.content = contents_.emplace_back("body" + std::to_string(n) + "\r\n");
    session.add(std::move(transaction));
  }

  // Writes all that may be written now.
  std::string write() {
    std::string out;
    while (session.next_batch(batch_, now)) {
      if (batch_.content) append_dot_stuffed(out, *batch_.content);
      out.append(batch_.commands);
      session.on_written(now);
    }
    return out;
  }

  // Begins a write that does not finish.
  void begin_write() { ASSERT_TRUE(session.next_batch(batch_, now)); }

  void hear(std::initializer_list<int> codes) {
    for (const int code : codes) session.feed(reply(code, "said " + std::to_string(code)), now);
  }

  // "id:phase/code" for each recipient of what has finished.
  std::vector<std::string> finished() {
    std::vector<std::string> lines;
    for (FinishedTransaction& done : session.take_finished()) {
      std::string line = std::to_string(done.id.value) + ":";
      for (const RecipientVerdict& verdict : done.verdicts) {
        line.append(" ").append(describe(verdict));
      }
      lines.push_back(line);
      last = std::move(done);
    }
    return lines;
  }

  ClientSession session;
  Instant now{std::chrono::seconds(1)};
  FinishedTransaction last;

 private:
  static std::string describe(const RecipientVerdict& verdict) {
    switch (verdict.ending) {
      case Ending::replied:
        return std::string(to_string(verdict.phase)) + "/" + std::to_string(verdict.reply.code);
      case Ending::obstacle:
        return "obstacle";
      case Ending::no_reply:
        return std::string(to_string(verdict.phase)) + "/silence";
      case Ending::not_smtp:
        return std::string(to_string(verdict.phase)) + "/nonsense";
      case Ending::not_begun:
        return "not_begun";
    }
    return "?";
  }

  std::deque<Envelope> envelopes_;
  std::deque<std::string> contents_;
  WriteBatch batch_;
};

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

TEST(ClientSession, ShutdownEndsTheSessionNotTheMessagesBehind) {
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

TEST(ClientSession, ShutdownAtTheFirstMailBelongsToIt) {
  Dialogue d(pipelining);
  d.add(1, 2);
  d.write();
  d.hear({421});
  EXPECT_THAT(d.finished(), ElementsAre("1: mail/421 mail/421"));
}

TEST(ClientSession, ShutdownAtALaterMailIsAFarewell) {
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

TEST(ClientSession, ShutdownAmidRecipientsCoversAllNotYetRefused) {
  Dialogue d(pipelining);
  d.add(1, 4);
  d.write();
  d.hear({250, 250, 550, 421});
  EXPECT_THAT(d.finished(), ElementsAre("1: rcpt/421 rcpt/550 rcpt/421 rcpt/421"));
}

TEST(ClientSession, ShutdownWhileIdleIsAFarewell) {
  Dialogue d(pipelining);
  d.hear({421});
  EXPECT_TRUE(d.session.is_over());
  EXPECT_EQ(d.session.farewell().code, 421);
  EXPECT_FALSE(d.session.ended_in_nonsense());
}

TEST(ClientSession, AReplyNobodyAskedForEndsTheSession) {
  Dialogue d(pipelining);
  d.hear({250});
  EXPECT_TRUE(d.session.is_over());
  EXPECT_TRUE(d.session.ended_in_nonsense());
}

TEST(ClientSession, RepliesSentInAdvanceDeliverNothing) {
  Dialogue d(pipelining);
  d.add(1);
  d.write();
  d.hear({250, 250, 354, 250});
  EXPECT_THAT(d.finished(), ElementsAre("1: data/nonsense"));
  EXPECT_TRUE(d.session.is_over());
}

TEST(ClientSession, AnAcceptanceBeforeTheContentIsOutDeliversNothing) {
  Dialogue d(pipelining);
  d.add(1);
  d.write();
  d.hear({250, 250, 354});
  d.begin_write();
  d.hear({250});
  EXPECT_THAT(d.finished(), ElementsAre("1: end_of_data/nonsense"));
}

TEST(ClientSession, ARefusalBeforeTheContentIsOutSparesTheRest) {
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

TEST(ClientSession, RepliesThatMakeNoSenseEndTheSession) {
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

TEST(ClientSession, ARefusedResetEndsTheSessionWithoutBlame) {
  Dialogue d(pipelining);
  d.add(1);
  d.write();
  d.hear({250, 550, 554});
  d.add(2);
  EXPECT_THAT(d.write(), HasSubstr("RSET\r\n"));
  d.hear({502});
  EXPECT_THAT(d.finished(), ElementsAre("1: rcpt/550", "2: not_begun"));
}

TEST(ClientSession, SilenceIsChargedToTheCommandThatWaits) {
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

TEST(ClientSession, AConnectionLostBetweenTransactionsBlamesNone) {
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

TEST(ClientSession, ATimeoutBetweenTransactionsIsCharged) {
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

// Whatever a server says: every transaction ends exactly once, and then nothing more is said.
TEST(ClientSession, SurvivesServersThatSayAnything) {
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
}  // namespace mailweir::smtp
