#include "provider/bounce.h"

#include <gtest/gtest.h>

#include "provider/spoken_reply.h"

namespace mailweir::provider {
namespace {

TEST(SpokenReply, ReadsPostfixLogs) {
  const auto spoken = find_spoken_reply(
      "postfix/smtp[1]: A1: to=<k@example.com>, relay=mx.example.com[192.0.2.7]:25, dsn=4.7.1, "
      "status=deferred (host mx.example.com[192.0.2.7] said: 450-4.7.1 first 450 4.7.1 second (in "
      "reply to RCPT TO command))");
  ASSERT_TRUE(spoken.has_value());
  EXPECT_EQ(spoken->reply.code, 450);
  EXPECT_EQ(spoken->reply.text, "4.7.1 first\n4.7.1 second");
  EXPECT_EQ(spoken->phase, Phase::rcpt);
  EXPECT_EQ(spoken->host, "mx.example.com");
}

TEST(SpokenReply, ReadsAGreetingThatRefuses) {
  const auto spoken = find_spoken_reply(
      "status=deferred (host mx00.t-online.de[192.0.2.7] refused to talk to me: 554 IP=192.0.2.1 - "
      "A problem occurred.)");
  ASSERT_TRUE(spoken.has_value());
  EXPECT_EQ(spoken->phase, Phase::banner);
  EXPECT_EQ(spoken->host, "mx00.t-online.de");
}

TEST(SpokenReply, ReadsEximLogs) {
  const auto spoken = find_spoken_reply(
      "1abc == k@example.com R=dnslookup T=remote_smtp defer (-44) H=mx.example.com [192.0.2.7]: "
      "SMTP error from remote mail server after end of data: 421 4.7.28 too much");
  ASSERT_TRUE(spoken.has_value());
  EXPECT_EQ(spoken->reply.text, "4.7.28 too much");
  EXPECT_EQ(spoken->phase, Phase::end_of_data);
  EXPECT_EQ(spoken->host, "mx.example.com");
}

TEST(SpokenReply, AnAcceptanceIsNoRefusal) {
  EXPECT_FALSE(find_spoken_reply("status=sent (250 2.0.0 Ok: queued as 4711)").has_value());
  EXPECT_FALSE(find_spoken_reply("").has_value());
}

constexpr std::string_view report =
    "From: MAILER-DAEMON@example.net\r\nContent-Type: multipart/report; "
    "boundary=b\r\n\r\n--b\r\n\r\n"
    "<ken@example.com>: host mx.example.com[192.0.2.7] said: 421 4.7.0\r\n    slow down (in reply "
    "to "
    "end of DATA command)\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
    "Reporting-MTA: dns; mail.example.net\r\n\r\n"
    "Final-Recipient: rfc822; ken@example.com\r\nAction: failed\r\nStatus: 4.7.0\r\n"
    "Remote-MTA: dns; MX.example.com\r\nDiagnostic-Code: smtp; 421 4.7.0\r\n slow down\r\n\r\n"
    "Final-Recipient: rfc822;mari@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n";

TEST(Bounce, ReadsAReport) {
  EXPECT_TRUE(looks_like_message(report));
  const auto bounce = parse_bounce(report);
  ASSERT_TRUE(bounce.has_value());
  EXPECT_EQ(bounce->format, BounceFormat::report);
  ASSERT_EQ(bounce->recipients.size(), 2U);
  const BouncedRecipient& first = bounce->recipients[0];
  EXPECT_EQ(first.recipient, "ken@example.com");
  EXPECT_EQ(first.host, "mx.example.com");
  EXPECT_EQ(first.phase, Phase::end_of_data);
  EXPECT_EQ(first.reply.text, "4.7.0 slow down");
  EXPECT_EQ(bounce->recipients[1].reply.code, 550);
  EXPECT_EQ(bounce->recipients[1].reply.enhanced, (EnhancedStatus{5, 1, 1}));
}

TEST(Bounce, ReadsQmail) {
  const auto bounce = parse_bounce(
      "From: MAILER-DAEMON@example.net\nSubject: failure notice\n\n"
      "Hi. This is the qmail-send program at example.net.\nI'm afraid I wasn't able to deliver.\n\n"
      "<ken@example.com>:\n192.0.2.7 does not like recipient.\nRemote host said: 550 no such user\n"
      "Giving up on 192.0.2.7.\n\n--- Below this line is a copy of the message.\n");
  ASSERT_TRUE(bounce.has_value());
  EXPECT_EQ(bounce->format, BounceFormat::text);
  ASSERT_EQ(bounce->recipients.size(), 1U);
  EXPECT_EQ(bounce->recipients[0].recipient, "ken@example.com");
  EXPECT_EQ(bounce->recipients[0].reply.text, "no such user");
  EXPECT_EQ(bounce->recipients[0].phase, Phase::rcpt);
}

TEST(Bounce, ReadsExim) {
  const auto bounce = parse_bounce(
      "From: Mail Delivery System <Mailer-Daemon@example.net>\nSubject: Mail delivery failed\n\n"
      "This message was created automatically by mail delivery software.\n\n"
      "  ken@example.com\n    SMTP error from remote mail server after RCPT TO:<ken@example.com>:\n"
      "    host mx.example.com [192.0.2.7]: 550 5.1.1 User Unknown\n\n");
  ASSERT_TRUE(bounce.has_value());
  ASSERT_EQ(bounce->recipients.size(), 1U);
  EXPECT_EQ(bounce->recipients[0].host, "mx.example.com");
  EXPECT_EQ(bounce->recipients[0].reply.text, "5.1.1 User Unknown");
}

TEST(Bounce, ReadsExchange) {
  const auto bounce = parse_bounce(
      "From: postmaster@example.net\nSubject: Undeliverable: hello\n\n"
      "Diagnostic information for administrators:\n\nGenerating server: AM0PR01.example.net\n\n"
      "ken@example.com\nRemote Server returned '550 5.4.1 Recipient address rejected: Access "
      "denied'\n");
  ASSERT_TRUE(bounce.has_value());
  ASSERT_EQ(bounce->recipients.size(), 1U);
  EXPECT_EQ(bounce->recipients[0].recipient, "ken@example.com");
  EXPECT_EQ(bounce->recipients[0].reply.enhanced, (EnhancedStatus{5, 4, 1}));
}

TEST(Bounce, OrdinaryMailIsNone) {
  EXPECT_FALSE(
      parse_bounce("From: a@example.net\nSubject: hello\n\nSee you at 450 High Street.\n"));
  EXPECT_FALSE(looks_like_message("450 4.7.1 no\n550 no\n"));
  EXPECT_FALSE(looks_like_message("550: no such user\n450: try later\n"));
  EXPECT_FALSE(looks_like_message("google: 550 5.7.1 no\nyahoo: 450 later\n"));
  EXPECT_FALSE(looks_like_message("{\"type\":\"attempt\"}\n{\"type\":\"attempt\"}\n"));
  EXPECT_FALSE(looks_like_message("Nov 22 10:00:00 mx postfix/smtp[1]: said: 450 no\n"));
}

}  // namespace
}  // namespace mailweir::provider
