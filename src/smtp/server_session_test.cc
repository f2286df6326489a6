#include "smtp/server_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "smtp/corpus.h"

namespace mailweir::smtp {
namespace {

using Step = ServerSession::Step;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct RefusingPolicy final : ServerPolicy {
  std::optional<Reply> mail_refusal;
  std::optional<Reply> recipient_refusal;
  std::optional<Reply> hello_refusal;
  std::optional<Reply> data_refusal;
  std::string prefix;

  std::optional<Reply> refuse_mail(const ClientView&, const MailCommand&) override {
    return mail_refusal;
  }
  std::optional<Reply> refuse_recipient(const ClientView&, const Envelope&,
                                        const Recipient&) override {
    return recipient_refusal;
  }
  std::optional<Reply> refuse_hello(const ClientView&) override { return hello_refusal; }
  std::optional<Reply> refuse_data(const ClientView&, const Envelope&) override {
    return data_refusal;
  }
  std::string content_prefix(const ClientView&, const Envelope&) override { return prefix; }
};

// Drives a session as a driver would, accepting every message.
class Dialogue {
 public:
  explicit Dialogue(ServerOptions options = {.offers_starttls = true}, bool may_relay = true)
      : options_(std::move(options)), session(options_, policy, client_of(may_relay)) {}

  // The codes of the replies to one read.
  std::vector<int> say(std::string_view octets) {
    step = session.receive(octets);
    while (step == Step::message) {
      messages.push_back(session.take_message());
      step = session.decide(answer);
    }
    return codes();
  }
  std::vector<int> codes() {
    last_output = std::exchange(session.output(), {});
    std::vector<int> found;
    for (std::size_t at = 0; at < last_output.size();) {
      if (last_output.at(at + 3) == ' ') found.push_back(std::stoi(last_output.substr(at, 3)));
      at = last_output.find("\r\n", at) + 2;
    }
    return found;
  }
  void greet() { say("EHLO client.example\r\n"); }
  void open() {
    greet();
    say("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\n");
  }
  void open_content() {
    open();
    say("DATA\r\n");
  }

 private:
  static ClientView client_of(bool may_relay) {
    ClientView client;
    client.address = "192.0.2.7";
    client.may_relay = may_relay;
    return client;
  }

  ServerOptions options_;

 public:
  RefusingPolicy policy;
  ServerSession session;
  Reply answer = reply_of("250 2.0.0 Queued");
  Step step = Step::read;
  std::string last_output;
  std::vector<CompleteMessage> messages;
};

TEST(ServerSession, GreetsWithItsName) {
  Dialogue dialogue({.host_name = "mx.example.org"});
  dialogue.session.greet();
  EXPECT_EQ(dialogue.session.output(), "220 mx.example.org ESMTP Mailweir\r\n");
}

TEST(ServerSession, TakesAMessage) {
  Dialogue dialogue;
  dialogue.greet();
  EXPECT_THAT(dialogue.last_output, HasSubstr("250-PIPELINING\r\n"));
  EXPECT_THAT(dialogue.last_output, HasSubstr("250-SIZE 52428800\r\n"));
  EXPECT_THAT(dialogue.last_output, HasSubstr("250-STARTTLS\r\n"));
  EXPECT_THAT(dialogue.say("MAIL FROM:<a@example.com> ENVID=x RET=FULL\r\n"), ElementsAre(250));
  EXPECT_THAT(dialogue.say("RCPT TO:<b@example.net>\r\n"), ElementsAre(250));
  EXPECT_THAT(dialogue.say("RCPT TO:<c@example.net> NOTIFY=NEVER\r\n"), ElementsAre(250));
  dialogue.policy.prefix = "Received: by us\r\n";
  EXPECT_THAT(dialogue.say("DATA\r\n"), ElementsAre(354));
  EXPECT_THAT(dialogue.say("Subject: hi\r\n\r\n..text\r\n"), IsEmpty());
  EXPECT_THAT(dialogue.say(".\r\n"), ElementsAre(250));
  ASSERT_EQ(dialogue.messages.size(), 1u);
  const auto& [envelope, content] = dialogue.messages[0];
  EXPECT_EQ(content, "Received: by us\r\nSubject: hi\r\n\r\n.text\r\n");
  EXPECT_EQ(envelope.reverse_path.text(), "a@example.com");
  EXPECT_EQ(envelope.recipients.size(), 2u);
  EXPECT_EQ(envelope.recipients[1].notify, DsnNotify::never);
  EXPECT_EQ(envelope.envelope_id, "x");
  EXPECT_EQ(envelope.dsn_return, DsnReturn::full);
  EXPECT_EQ(envelope.body, BodyType::seven_bit);
  EXPECT_THAT(dialogue.say("QUIT\r\n"), ElementsAre(221));
  EXPECT_EQ(dialogue.step, Step::close);
}

TEST(ServerSession, AnswersAPipelinedGroupWithOneOutput) {
  Dialogue dialogue;
  dialogue.greet();
  EXPECT_THAT(dialogue.say("MAIL FROM:<>\r\nRCPT TO:<b@example.net>\r\nRCPT TO:<bad>\r\nDATA\r\n"),
              ElementsAre(250, 250, 553, 354));
}

TEST(ServerSession, GoesOnWithWhatWasPipelinedBehindAMessage) {
  Dialogue dialogue;
  dialogue.open_content();
  EXPECT_THAT(
      dialogue.say(
          "x\r\n.\r\nMAIL FROM:<second@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"),
      ElementsAre(250, 250, 250, 354));
  EXPECT_THAT(dialogue.say("y\r\n.\r\nQUIT\r\n"), ElementsAre(250, 221));
  ASSERT_EQ(dialogue.messages.size(), 2u);
  EXPECT_EQ(dialogue.messages[1].content, "y\r\n");
}

TEST(ServerSession, GivesTheDecisionItIsTold) {
  Dialogue dialogue;
  dialogue.answer = reply_of("452 4.3.1 Disk full");
  dialogue.open_content();
  EXPECT_THAT(dialogue.say("x\r\n.\r\n"), ElementsAre(452));
  EXPECT_EQ(dialogue.step, Step::read);
}

TEST(ServerSession, SequenceIsEnforced) {
  Dialogue dialogue;
  EXPECT_THAT(dialogue.say("MAIL FROM:<>\r\n"), ElementsAre(503));
  dialogue.greet();
  EXPECT_THAT(dialogue.say("RCPT TO:<b@example.net>\r\n"), ElementsAre(503));
  EXPECT_THAT(dialogue.say("DATA\r\n"), ElementsAre(503));
  EXPECT_THAT(dialogue.say("MAIL FROM:<>\r\n"), ElementsAre(250));
  EXPECT_THAT(dialogue.say("MAIL FROM:<>\r\n"), ElementsAre(503));
  EXPECT_THAT(dialogue.say("DATA\r\n"), ElementsAre(554));
  EXPECT_THAT(dialogue.say("RSET\r\n"), ElementsAre(250));
  EXPECT_THAT(dialogue.say("RCPT TO:<b@example.net>\r\n"), ElementsAre(503));
  EXPECT_THAT(dialogue.say("MAIL FROM:<>\r\n"), ElementsAre(250));
  dialogue.greet();  // EHLO resets (RFC 5321 section 4.1.4)
  EXPECT_THAT(dialogue.say("RCPT TO:<b@example.net>\r\n"), ElementsAre(503));
}

TEST(ServerSession, SideCommandsAreAnswered) {
  Dialogue dialogue;
  dialogue.greet();
  EXPECT_THAT(dialogue.say("VRFY a\r\n"), ElementsAre(252));
  EXPECT_THAT(dialogue.say("EXPN a\r\n"), ElementsAre(502));
  EXPECT_THAT(dialogue.say("HELP\r\n"), ElementsAre(214));
  EXPECT_THAT(dialogue.say("NOOP\r\n"), ElementsAre(250));
  EXPECT_THAT(dialogue.say("BDAT 1 LAST\r\n"), ElementsAre(500));
  EXPECT_THAT(dialogue.say("AUTH PLAIN AGEAYg==\r\n"), ElementsAre(500));
}

TEST(ServerSession, RelaysForListedNetworksOnly) {
  Dialogue dialogue({}, false);
  dialogue.greet();
  dialogue.say("MAIL FROM:<a@example.com>\r\n");
  EXPECT_THAT(dialogue.say("RCPT TO:<b@example.net>\r\n"), ElementsAre(550));
  EXPECT_THAT(dialogue.last_output, HasSubstr("5.7.1"));
  EXPECT_THAT(dialogue.say("DATA\r\n"), ElementsAre(554));
}

TEST(ServerSession, RefusalsOfThePolicyAreGiven) {
  Dialogue dialogue;
  dialogue.greet();
  dialogue.policy.mail_refusal = reply_of("452 4.3.1 No room");
  EXPECT_THAT(dialogue.say("MAIL FROM:<>\r\n"), ElementsAre(452));
  dialogue.policy.mail_refusal.reset();
  dialogue.say("MAIL FROM:<>\r\n");
  dialogue.policy.recipient_refusal = reply_of("550 5.1.1 Nobody");
  EXPECT_THAT(dialogue.say("RCPT TO:<b@example.net>\r\n"), ElementsAre(550));
}

TEST(ServerSession, LimitsOfSizeAndRecipients) {
  Dialogue dialogue({.message_size_max = 10, .recipients_max = 2});
  dialogue.greet();
  EXPECT_THAT(dialogue.say("MAIL FROM:<> SIZE=11\r\n"), ElementsAre(552));
  EXPECT_THAT(dialogue.say("MAIL FROM:<> SIZE=10\r\n"), ElementsAre(250));
  EXPECT_THAT(
      dialogue.say(
          "RCPT TO:<b@example.net>\r\nRCPT TO:<c@example.net>\r\nRCPT TO:<d@example.net>\r\n"),
      ElementsAre(250, 250, 452));
  dialogue.say("DATA\r\n");
  EXPECT_THAT(dialogue.say("123456789\r\n"), IsEmpty());
  EXPECT_THAT(dialogue.say("more\r\n.\r\nNOOP\r\n"), ElementsAre(552, 250));
  EXPECT_THAT(dialogue.messages, IsEmpty());
}

TEST(ServerSession, SurplusRecipientsAreNoErrorUpToAPoint) {
  Dialogue dialogue({.recipients_max = 1});
  dialogue.open();
  for (int i = 0; i < 1000; ++i) {
    EXPECT_THAT(dialogue.say("RCPT TO:<b@example.net>\r\n"), ElementsAre(452));
  }
  EXPECT_EQ(dialogue.step, Step::read);
}

TEST(ServerSession, ARefusedHelloMayBeRepeated) {
  Dialogue dialogue;
  dialogue.policy.hello_refusal = reply_of("451 4.7.1 Not yet");
  EXPECT_THAT(dialogue.say("EHLO client.example\r\n"), ElementsAre(451));
  EXPECT_THAT(dialogue.say("MAIL FROM:<a@example.com>\r\n"), ElementsAre(503));
  dialogue.policy.hello_refusal.reset();
  EXPECT_THAT(dialogue.say("EHLO client.example\r\n"), ElementsAre(250));
}

TEST(ServerSession, ARefusalAtDataEndsTheTransaction) {
  Dialogue dialogue;
  dialogue.open();
  dialogue.policy.data_refusal = reply_of("451 4.7.1 Not this one");
  EXPECT_THAT(dialogue.say("DATA\r\n"), ElementsAre(451));
  EXPECT_FALSE(dialogue.session.is_in_transaction());
  EXPECT_EQ(dialogue.step, Step::read);
}

TEST(ServerSession, WhatIsPipelinedBehindAMessageCanBeTakenOut) {
  Dialogue dialogue;
  dialogue.open_content();
  ASSERT_EQ(dialogue.session.receive("x\r\n.\r\nNOOP\r\n"), Step::message);
  dialogue.session.take_message();
  EXPECT_EQ(dialogue.session.take_pending(), "NOOP\r\n");
  EXPECT_EQ(dialogue.session.decide(reply_of("250 2.0.0 Queued")), Step::read);
  EXPECT_EQ(dialogue.session.output(), "250 2.0.0 Queued\r\n");
}

TEST(ServerSession, LoopsAreRefused) {
  Dialogue dialogue({.received_max = 3});
  dialogue.policy.prefix = "Received: our own\r\n";
  const std::string hop = "Received: from a by b\r\n";
  dialogue.open_content();
  EXPECT_THAT(dialogue.say(hop + hop + hop + "\r\n" + hop + ".\r\n"), ElementsAre(250));
  dialogue.open_content();
  EXPECT_THAT(dialogue.say(hop + hop + hop + hop + "\r\n.\r\n"), ElementsAre(554));
  EXPECT_THAT(dialogue.last_output, HasSubstr("5.4.6"));
}

TEST(ServerSession, OversizedHeadersAreRefused) {
  Dialogue dialogue;
  dialogue.open_content();
  std::string header;
  for (int i = 0; i < 200; ++i) header += "X-Filler: " + std::string(900, 'x') + "\r\n";
  EXPECT_THAT(dialogue.say(header + "\r\nbody\r\n.\r\n"), ElementsAre(552));
}

TEST(ServerSession, EightBitContentIsMarkedWhateverWasDeclared) {
  Dialogue dialogue;
  dialogue.open_content();
  EXPECT_THAT(dialogue.say("Subject: caf\xc3\xa9\r\n\r\n.\r\n"), ElementsAre(250));
  ASSERT_EQ(dialogue.messages.size(), 1u);
  EXPECT_EQ(dialogue.messages[0].envelope.body, BodyType::eight_bit_mime);
}

TEST(ServerSession, SmugglingVectorsNeverMakeASecondMessage) {
  for (const auto& vector : read_corpus("smuggling.txt")) {
    const auto stream = smuggling_stream(vector.octets);
    for (std::size_t cut = 1; cut <= stream.size(); ++cut) {
      Dialogue dialogue;
      dialogue.open_content();
      auto codes = dialogue.say(std::string_view(stream).substr(0, cut));
      const auto rest = dialogue.say(std::string_view(stream).substr(cut));
      codes.insert(codes.end(), rest.begin(), rest.end());
      const bool is_refused = vector.outcome == "refused";
      ASSERT_EQ(codes.size(), 1u) << vector.name << " cut at " << cut;
      ASSERT_EQ(codes[0] / 100, is_refused ? 5 : 2) << vector.name << " cut at " << cut;
      ASSERT_EQ(dialogue.messages.size(), is_refused ? 0u : 1u) << vector.name << " cut at " << cut;
    }
  }
}

TEST(ServerSession, InjectedCommandsAreNotActedOn) {
  for (const auto& entry : read_corpus("injection.txt")) {
    Dialogue dialogue;
    dialogue.greet();
    const auto codes = dialogue.say(entry.octets);
    ASSERT_FALSE(codes.empty()) << entry.name;
    EXPECT_EQ(codes.back(), std::stoi(entry.outcome)) << entry.name;
    EXPECT_THAT(dialogue.messages, IsEmpty()) << entry.name;
    if (entry.outcome == "554") {
      EXPECT_EQ(dialogue.step, Step::close) << entry.name;
    }
  }
}

TEST(ServerSession, OnlyExtendedSessionsMayPipeline) {
  Dialogue basic;
  basic.say("HELO client.example\r\n");
  EXPECT_THAT(basic.say("MAIL FROM:<>\r\nRCPT TO:<b@example.net>\r\n"), ElementsAre(554));
  EXPECT_EQ(basic.step, Step::close);
  Dialogue silent;
  EXPECT_THAT(silent.say("MAIL FROM:<>\r\nRCPT TO:<b@example.net>\r\n"), ElementsAre(554));
  Dialogue leaving;
  EXPECT_THAT(leaving.say("QUIT\r\njunk"), ElementsAre(221));
}

TEST(ServerSession, EarlyTalkersAreRefused) {
  Dialogue dialogue;
  EXPECT_EQ(dialogue.session.refuse_early_talker(), Step::close);
  EXPECT_THAT(dialogue.codes(), ElementsAre(554));
}

TEST(ServerSession, TlsMakesEverythingSaidBeforeForgotten) {
  Dialogue dialogue;
  dialogue.open();
  EXPECT_THAT(dialogue.say("STARTTLS\r\n"), ElementsAre(220));
  ASSERT_EQ(dialogue.step, Step::start_tls);
  dialogue.session.tls_started("TLSv1.3 X");
  EXPECT_EQ(dialogue.session.client().tls, "TLSv1.3 X");
  EXPECT_EQ(dialogue.session.client().helo, "");
  EXPECT_THAT(dialogue.say("RCPT TO:<b@example.net>\r\n"), ElementsAre(503));
  EXPECT_THAT(dialogue.say("MAIL FROM:<>\r\n"), ElementsAre(503));
  dialogue.greet();
  EXPECT_THAT(dialogue.last_output, Not(HasSubstr("STARTTLS\r\n")));
  EXPECT_THAT(dialogue.say("STARTTLS\r\n"), ElementsAre(503));
}

TEST(ServerSession, StartTlsIsRefusedWhereNotOffered) {
  Dialogue dialogue({.offers_starttls = false});
  dialogue.greet();
  EXPECT_THAT(dialogue.last_output, Not(HasSubstr("STARTTLS")));
  EXPECT_THAT(dialogue.say("STARTTLS\r\n"), ElementsAre(502));
}

TEST(ServerSession, LinesMayComeInAnyPieces) {
  Dialogue whole;
  Dialogue pieces;
  const std::string_view script = "EHLO c.example\r\n";
  for (const char c : script) {
    pieces.say({&c, 1});
    EXPECT_EQ(pieces.session.is_in_line(), c != '\n');
  }
  whole.say(script);
  EXPECT_EQ(pieces.last_output, whole.last_output);
}

TEST(ServerSession, OverlongLinesAreRefusedWithoutBeingKept) {
  Dialogue dialogue;
  dialogue.greet();
  for (int i = 0; i < 60; ++i) EXPECT_THAT(dialogue.say(std::string(1000, 'x')), IsEmpty());
  EXPECT_THAT(dialogue.say("x\r"), IsEmpty());
  EXPECT_THAT(dialogue.say("\n"), ElementsAre(500));
  EXPECT_THAT(dialogue.say("NOOP\r\n"), ElementsAre(250));
}

TEST(ServerSession, ALineThatDoesNotEndEndsTheSession) {
  Dialogue dialogue;
  dialogue.greet();
  for (int i = 0; i < 66; ++i) EXPECT_THAT(dialogue.say(std::string(1000, 'x')), IsEmpty());
  EXPECT_THAT(dialogue.say(std::string(2000, 'x')), ElementsAre(500));
  EXPECT_EQ(dialogue.step, Step::close);
}

TEST(ServerSession, AHugeLineThatEndsInTheSameReadIsAnsweredOnce) {
  Dialogue dialogue;
  dialogue.greet();
  EXPECT_THAT(dialogue.say(std::string(5000, 'x')), IsEmpty());
  EXPECT_THAT(dialogue.say(std::string(70'000, 'x') + "\r\nNOOP\r\n"), ElementsAre(500));
  EXPECT_EQ(dialogue.step, Step::close);
}

TEST(ServerSession, ErrorsSlowAndThenEndTheSession) {
  Dialogue dialogue({.errors_soft_max = 2, .errors_max = 4});
  dialogue.greet();
  dialogue.say("NONSENSE\r\n");
  dialogue.say("NONSENSE\r\n");
  EXPECT_FALSE(dialogue.session.is_throttled());
  dialogue.say("NONSENSE\r\n");
  EXPECT_TRUE(dialogue.session.is_throttled());
  EXPECT_THAT(dialogue.say("NONSENSE\r\n"), ElementsAre(500, 421));
  EXPECT_EQ(dialogue.step, Step::close);
}

TEST(ServerSession, AMessageForgivesErrorsAndJunk) {
  Dialogue dialogue({.errors_max = 3, .junk_max = 4});
  dialogue.greet();
  for (int round = 0; round < 5; ++round) {
    dialogue.say("NONSENSE\r\n");
    dialogue.say("NONSENSE\r\n");
    dialogue.say("NOOP\r\n");
    dialogue.say("NOOP\r\n");
    dialogue.say("MAIL FROM:<>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
    EXPECT_THAT(dialogue.say("x\r\n.\r\n"), ElementsAre(250));
  }
}

TEST(ServerSession, TransientRefusalsNeverEndTheSession) {
  Dialogue dialogue;
  dialogue.greet();
  const auto refusal = reply_of("452 4.3.1 Insufficient system storage");
  for (int i = 0; i < 200; ++i) {
    dialogue.policy.mail_refusal = refusal;
    EXPECT_THAT(dialogue.say("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"),
                ElementsAre(452, 503, 503));
    EXPECT_THAT(dialogue.say("RSET\r\n"), ElementsAre(250));
    dialogue.policy.mail_refusal.reset();
    dialogue.policy.recipient_refusal = refusal;
    EXPECT_THAT(dialogue.say("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"),
                ElementsAre(250, 452, 554));
    EXPECT_THAT(dialogue.say("RSET\r\n"), ElementsAre(250));
    dialogue.policy.recipient_refusal.reset();
    dialogue.answer = refusal;
    dialogue.say("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
    EXPECT_THAT(dialogue.say("Subject: hi\r\n\r\n.\r\n"), ElementsAre(452));
    EXPECT_THAT(dialogue.say("RSET\r\n"), ElementsAre(250));
  }
  EXPECT_EQ(dialogue.step, Step::read);
  EXPECT_FALSE(dialogue.session.is_throttled());
}

TEST(ServerSession, ATransientRefusalExcusesOneReset) {
  Dialogue dialogue({.junk_max = 2});
  dialogue.policy.mail_refusal = reply_of("452 4.3.1 Insufficient system storage");
  dialogue.say("EHLO client.example\r\n");
  dialogue.say("MAIL FROM:<a@example.com>\r\n");
  dialogue.say("RSET\r\nRSET\r\n");
  EXPECT_EQ(dialogue.step, Step::read);
  EXPECT_THAT(dialogue.say("RSET\r\n"), ElementsAre(250, 421));
}

TEST(ServerSession, JunkEndsTheSession) {
  Dialogue dialogue({.junk_max = 2});
  EXPECT_THAT(dialogue.say("NOOP\r\n"), ElementsAre(250));
  EXPECT_THAT(dialogue.say("RSET\r\n"), ElementsAre(250));
  EXPECT_THAT(dialogue.say("NOOP\r\n"), ElementsAre(250, 421));
  EXPECT_EQ(dialogue.step, Step::close);
}

TEST(ServerSession, RefusedContentIsReadToItsEndAndAnsweredThere) {
  Dialogue dialogue;
  dialogue.open_content();
  dialogue.say("Subject: x\r\n\r\nfirst\r\n");
  EXPECT_GT(dialogue.session.content_octets(), 0u);
  dialogue.session.refuse_content(reply_of("452 4.3.1 Out of memory"));
  EXPECT_THAT(dialogue.say("second\r\n"), IsEmpty());
  EXPECT_LT(dialogue.session.content_size(), 64u);
  EXPECT_THAT(dialogue.say(".\r\nNOOP\r\n"), ElementsAre(452, 250));
  EXPECT_THAT(dialogue.messages, IsEmpty());
}

TEST(ServerSession, ClosingGivesTheReplyOnce) {
  Dialogue dialogue;
  dialogue.open_content();
  EXPECT_EQ(dialogue.session.close_with(reply_of("421 4.3.2 Shutting down")), Step::close);
  EXPECT_EQ(dialogue.session.close_with(reply_of("421 4.4.2 Timeout")), Step::close);
  EXPECT_THAT(dialogue.codes(), ElementsAre(421));
}

TEST(ServerSession, RepliesOfSeveralLinesAndStrangeOctetsAreMadeSafe) {
  Dialogue dialogue;
  dialogue.answer =
      Reply{.code = 550, .enhanced = {}, .text = "5.7.1 first\nsecond\r\x01\xff line"};
  dialogue.open_content();
  dialogue.say("x\r\n.\r\n");
  EXPECT_EQ(dialogue.last_output, "550-5.7.1 first\r\n550 second??? line\r\n");
}

}  // namespace
}  // namespace mailweir::smtp
