// What is no bounce, and bounces in broken or hostile MIME.
#include "provider/bounce_notice.h"

#include <gtest/gtest.h>

#include "provider/bounce.h"
#include "provider/mime_parts.h"

namespace mailweir::provider {
namespace {

constexpr std::string_view status_part =
    "Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; mari@example.com\r\n"
    "Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; MX.example.com. (192.0.2.7, theirs)\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n";

// `status_part` in base64 and in quoted-printable.
constexpr std::string_view status_base64 =
    "UmVwb3J0aW5nLU1UQTogZG5zOyBteC5leGFtcGxlLm5ldA0KDQpGaW5hbC1SZWNpcGllbnQ6IHJm\r\n"
    "YzgyMjsgbWFyaUBleGFtcGxlLmNvbQ0KQWN0aW9uOiBmYWlsZWQNClN0YXR1czogNS4xLjENClJl\r\n"
    "bW90ZS1NVEE6IGRuczsgTVguZXhhbXBsZS5jb20uICgxOTIuMC4yLjcsIHRoZWlycykNCkRpYWdu\r\n"
    "b3N0aWMtQ29kZTogc210cDsgNTUwIDUuMS4xIFVzZXIgdW5rbm93bg0K\r\n";
constexpr std::string_view status_quoted =
    "Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; mari=40example.=\r\ncom\r\n"
    "Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; MX.example.com. (192.0.2.7, theirs)\r\n"
    "Diagnostic-Code: smtp; 550 5.1.1 User =\r\nunknown\r\n";

std::string report_of(std::string_view status, std::string_view encoding = "7bit") {
  return "From: MAILER-DAEMON@mx.example.net\r\nSubject: Undelivered Mail\r\nContent-Type: "
         "multipart/report; report-type=delivery-status;\r\n boundary=\"b 1\"\r\n\r\nfor old "
         "programs\r\n--b 1\r\n\r\nSorry.\r\n\r\n--b 1\r\nContent-Type: message/delivery-status\r\n"
         "Content-Transfer-Encoding: " +
         std::string(encoding) + "\r\n\r\n" + std::string(status) +
         "\r\n--b 1\r\nContent-Type: message/rfc822\r\n\r\nFrom: ken@example.net\r\nSubject: x\r\n"
         "\r\nFinal-Recipient: rfc822; x@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
         "--b 1--\r\n";
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string copy(text);
  copy.replace(copy.find(from), from.size(), to);
  return copy;
}

std::string notice(std::string_view subject, std::string_view body,
                   std::string_view from = "MAILER-DAEMON@mx.example.net") {
  return "From: " + std::string(from) + "\nSubject: " + std::string(subject) + "\n\n" +
         std::string(body);
}

constexpr std::string_view quoted_refusal =
    "mari@example.com\n  host mx.example.com said: 550 5.1.1 User unknown\n\n"
    "<yui@example.com>:\n550 no\n\n<<< 550 5.1.1 <gen@example.com> unknown\n";

TEST(Report, AnyTransferEncodingIsReadAndTheReturnedMessageIsNot) {
  for (const auto& [status, encoding] :
       {std::pair(status_part, "7bit"), std::pair(status_base64, "BASE64"),
        std::pair(status_quoted, "quoted-printable")}) {
    const auto bounce = parse_bounce(report_of(status, encoding));
    ASSERT_TRUE(bounce.has_value()) << encoding;
    EXPECT_EQ(bounce->format, BounceFormat::report);
    ASSERT_EQ(bounce->recipients.size(), 1U) << encoding;
    EXPECT_EQ(bounce->recipients[0].recipient, "mari@example.com");
    EXPECT_EQ(bounce->recipients[0].host, "mx.example.com");
    EXPECT_EQ(bounce->recipients[0].reply.code, 550);
    EXPECT_EQ(bounce->recipients[0].reply.enhanced, (EnhancedStatus{5, 1, 1}));
    EXPECT_EQ(bounce->recipients[0].reply.text, "5.1.1 User unknown");
  }
}

TEST(Report, TheStatusPartAloneIsOne) {
  const auto bounce = parse_bounce(status_part);
  ASSERT_TRUE(bounce.has_value());
  EXPECT_EQ(bounce->recipients.size(), 1U);
}

TEST(Report, OnlyFailuresAreRead) {
  for (const std::string_view action : {"delayed", "delivered", "relayed", "expanded", "Delayed"}) {
    const std::string status = replaced(status_part, "failed", action);
    EXPECT_FALSE(parse_bounce(report_of(status))) << action;
  }
  // Without an action, class 4 may be a delay.
  EXPECT_TRUE(parse_bounce(report_of(replaced(status_part, "Action: failed\r\n", ""))));
  EXPECT_FALSE(parse_bounce(report_of(
      replaced(replaced(status_part, "Action: failed\r\n", ""), "Status: 5", "Status: 4"))));
}

TEST(Report, ABareStatusTakesTheReplyOfTheText) {
  const std::string bare =
      replaced(status_part, "Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n", "");
  const std::string text =
      "<mari@example.com>: host mx1.example.com[192.0.2.7] said: 550 5.2.2 Mailbox full (in reply "
      "to end of DATA command)";
  const auto bounce = parse_bounce(replaced(report_of(bare), "Sorry.", text));
  ASSERT_TRUE(bounce.has_value());
  EXPECT_EQ(bounce->recipients[0].reply.text, "5.2.2 Mailbox full");
  EXPECT_EQ(bounce->recipients[0].phase, Phase::end_of_data);
  EXPECT_EQ(bounce->recipients[0].host, "mx.example.com");
}

TEST(Report, FieldsInTheTextAreReadOfANoticeOnly) {
  EXPECT_TRUE(parse_bounce(notice("Delivery Status Notification (Failure)", status_part)));
  EXPECT_FALSE(parse_bounce(notice("Re: your report", status_part, "ken@example.net")));
}

TEST(Notice, AnOrdinaryMessageMayQuoteARefusal) {
  EXPECT_TRUE(parse_bounce(notice("failure notice", quoted_refusal)));
  EXPECT_FALSE(parse_bounce(notice("What does this mean?", quoted_refusal, "ken@example.net")));
  EXPECT_FALSE(parse_bounce(notice("Re: failure notice", quoted_refusal, "ken@example.net")));
  EXPECT_FALSE(parse_bounce(notice("Your order", "Your order #550 was shipped; see #450 too.\n")));
  EXPECT_FALSE(parse_bounce(notice("Meeting", "<ken@example.net>:\nSee you at 450 High St.\n")));
}

TEST(Notice, AnAutomaticReplyIsNone) {
  for (const std::string_view subject :
       {"Out of Office: hello", "Automatic reply: hello", "Auto: hello", "Abwesenheitsnotiz"}) {
    EXPECT_FALSE(parse_bounce("Return-Path: <>\nAuto-Submitted: auto-replied\n" +
                              notice(subject, quoted_refusal, "mari@example.com")))
        << subject;
  }
  EXPECT_FALSE(
      parse_bounce("Return-Path: <>\nAuto-Submitted: auto-replied\n" +
                   notice("Re: hello", "I am away until 5 May. Write to yui@example.com.\n",
                          "mari@example.com")));
}

TEST(Notice, AWarningIsNone) {
  EXPECT_FALSE(
      parse_bounce(notice("Warning: could not send message for past 4 hours", quoted_refusal)));
  EXPECT_FALSE(parse_bounce(notice("Delayed Mail (still being retried)", quoted_refusal)));
  EXPECT_FALSE(parse_bounce(
      notice("Mail delivery",
             "THIS IS A WARNING MESSAGE ONLY.\n\n----- The following addresses had transient "
             "non-fatal errors -----\n<mari@example.com>\n    (reason: 451 4.3.0 later)\n\n"
             "   ----- Transcript of session follows -----\n... while talking to mx.example.com.:\n"
             ">>> RCPT To:<mari@example.com>\n<<< 451 4.3.0 later\n"
             "Will keep trying until message is 5 days old\n")));
  EXPECT_FALSE(parse_bounce(
      notice("Mail delivery", std::string(quoted_refusal) + "\nWill keep trying until Friday.\n")));
  // A subject that is only quoted does not count.
  EXPECT_TRUE(parse_bounce(notice("Undeliverable: warning: delayed", quoted_refusal)));
}

TEST(Notice, AReceiptOfReadingIsNone) {
  EXPECT_FALSE(parse_bounce(
      "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n" +
      notice("Read: hello", "--b\n\n" + std::string(quoted_refusal) + "--b--\n")));
}

TEST(Notice, FailedAddressesOfTheHeaderHelpWhereTheTextHasNone) {
  const auto bounce =
      parse_bounce("X-Failed-Recipients: mari@example.com\n" +
                   notice("Mail delivery failed", "Remote host said: 550 5.1.1 unknown\n"));
  ASSERT_TRUE(bounce.has_value());
  EXPECT_EQ(bounce->recipients[0].recipient, "mari@example.com");
}

TEST(MimeParts, BodiesInQuotedPrintableAndHtml) {
  const auto quoted =
      parse_bounce("Content-Transfer-Encoding: quoted-printable\n" +
                   notice("failure",
                          "<mari@example.=\norg>: host mx.example.org[192.0.2.9] said: 550 5.1.1 "
                          "<mari@exa=\nmple.org>: unknown (in reply to RCPT TO command)\n"));
  ASSERT_TRUE(quoted.has_value());
  EXPECT_EQ(quoted->recipients[0].recipient, "mari@example.org");
  EXPECT_EQ(quoted->recipients[0].reply.text, "5.1.1 <mari@example.org>: unknown");
  EXPECT_EQ(quoted->recipients[0].host, "mx.example.org");
  const auto html =
      parse_bounce("Content-Type: text/html\n" +
                   notice("failure",
                          "<p><b>mari@example.org</b><br>Remote Server returned &#39;550 5.1.1 "
                          "unknown&#39;</p>"));
  ASSERT_TRUE(html.has_value());
  EXPECT_EQ(html->recipients[0].recipient, "mari@example.org");
  EXPECT_EQ(html->recipients[0].reply.text, "5.1.1 unknown");
}

TEST(MimeParts, NestedPartsAreFound) {
  const auto parts = readable_parts(
      "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; "
      "boundary=ab\n\n--ab\n\none\n--ab\nContent-Type: text/html\n\n<p>no\n--ab--\nnot this\n--a\n"
      "Content-Type: image/png\n\nno\n--a\n\ntwo\n--a--\n--a\nno\n");
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].text, "one\n");
  EXPECT_EQ(parts[1].text, "two\n");
}

TEST(MimeParts, ABrokenStructureIsOneText) {
  for (const std::string_view type :
       {"multipart/report", "multipart/report; boundary=", "multipart/report; boundary=\"\"",
        "multipart/report; boundary=missing", "multipart/report; boundary=\"b"}) {
    const auto bounce = parse_bounce("Content-Type: " + std::string(type) + "\n" +
                                     notice("failure", "--x\n\n" + std::string(status_part)));
    EXPECT_TRUE(bounce.has_value()) << type;
  }
}

TEST(MimeParts, HostileStructuresStayBounded) {
  std::string nested;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = "b" + std::to_string(i);
    nested += (i == 0 ? "" : "--b" + std::to_string(i - 1) + "\n") +
              "Content-Type: multipart/mixed; boundary=" + name + "\n\n";
  }
  EXPECT_LE(readable_parts(nested).size(), MimeLimits::parts_max);
  std::string many = "Content-Type: multipart/mixed; boundary=b\n\n";
  for (int i = 0; i < 100'000; ++i) many += "--b\n\nx\n";
  EXPECT_EQ(readable_parts(many).size(), MimeLimits::parts_max - 1);
  std::string nul = notice("failure", quoted_refusal);
  nul.insert(nul.find("said"), std::string(3, '\0'));
  parse_bounce(nul);
}

TEST(MimeParts, HugeLinesAndManyRecipientsStayBounded) {
  const std::string head = notice("failure notice", "This is the qmail-send program.\n\n");
  for (const std::string_view piece : {"<a@b.c>:", "a@", "<<< 550 ", "(reason: 550 ",
                                       " said: ", " #", "--", "=", "<", "Reason: x ", "550-"}) {
    std::string line;
    while (line.size() < Bounce::bytes_max) line += piece;
    parse_bounce(head + line);
  }
  std::string recipients = head;
  for (int i = 0; i < 5000; ++i)
    recipients += "<u" + std::to_string(i) + "@example.com>:\n550 no\n\n";
  const auto bounce = parse_bounce(recipients);
  ASSERT_TRUE(bounce.has_value());
  EXPECT_EQ(bounce->recipients.size(), Bounce::recipients_max);
}

}  // namespace
}  // namespace mailweir::provider
