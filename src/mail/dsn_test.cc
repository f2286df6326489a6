#include "mail/dsn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "mail/dot_stuffing.h"
#include "mail/header.h"
#include "mail/utf8.h"

namespace mailweir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using Fields = std::vector<std::pair<std::string, std::string>>;

Fields fields_of(std::string_view text) {
  Fields fields;
  HeaderScanner scanner(text);
  while (const auto field = scanner.next()) fields.emplace_back(field->name, unfold(field->value));
  EXPECT_TRUE(scanner.end() == HeaderEnd::no_body || scanner.end() == HeaderEnd::blank_line)
      << text;
  return fields;
}

std::vector<std::string> names_of(const Fields& fields) {
  std::vector<std::string> names;
  for (const auto& [name, value] : fields) names.push_back(name);
  return names;
}

std::string value_of(const Fields& fields, std::string_view name) {
  for (const auto& [field, value] : fields) {
    if (field == name) return value;
  }
  return "(none)";
}

struct ParsedPart {
  Fields fields;
  std::string body;
};
struct ParsedDsn {
  Fields fields;
  std::vector<ParsedPart> parts;
};

std::string_view body_of(std::string_view text) {
  return text.substr(text.find("\r\n\r\n") + 4);
}

// Takes a notice apart the way a mail program does, and checks what every notice must keep to.
ParsedDsn parse(std::string_view content) {
  EXPECT_TRUE(has_strict_lines(content));
  EXPECT_FALSE(needs_dot_stuffing(content));
  ParsedDsn dsn{fields_of(content), {}};
  const std::string type = value_of(dsn.fields, "Content-Type");
  const std::string mark = "boundary=\"";
  const std::string boundary =
      type.substr(type.find(mark) + mark.size(), type.size() - type.find(mark) - mark.size() - 1);
  EXPECT_LE(boundary.size(), 70U);
  std::string rest = "\r\n" + std::string(body_of(content));
  const std::string delimiter = "\r\n--" + boundary;
  std::size_t at = rest.find(delimiter);
  EXPECT_EQ(at, 0U);
  while (at != std::string::npos && !rest.substr(at + delimiter.size()).starts_with("--")) {
    const std::size_t next = rest.find(delimiter, at + 1);
    const std::size_t begin = at + delimiter.size() + 2;
    const std::string part = rest.substr(begin, next - begin) + "\r\n";
    dsn.parts.push_back({fields_of(part), std::string(body_of(part))});
    at = next;
  }
  EXPECT_EQ(rest.substr(at), delimiter + "--\r\n");
  while (!content.empty()) {
    EXPECT_LE(content.find("\r\n"), 998U);
    content.remove_prefix(content.find("\r\n") + 2);
  }
  return dsn;
}

// The groups of a delivery-status body: the message's, then one for each recipient.
std::vector<Fields> groups_of(std::string_view body) {
  std::vector<Fields> groups;
  while (!body.empty()) {
    const std::size_t end = body.find("\r\n\r\n");
    groups.push_back(fields_of(body.substr(0, end == std::string_view::npos ? end : end + 2)));
    if (end == std::string_view::npos) break;
    body.remove_prefix(end + 4);
  }
  return groups;
}

std::string decoded_text(std::string_view encoded) {
  std::string out;
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] != '=') {
      out.push_back(encoded[i]);
      continue;
    }
    if (encoded.substr(i + 1, 2) != "\r\n") {
      out.push_back(
          static_cast<char>(std::stoi(std::string(encoded.substr(i + 1, 2)), nullptr, 16)));
    }
    i += 2;
  }
  return out;
}

class Dsn : public testing::Test {
 protected:
  Dsn() {
    message.id = MessageId{12345};
    message.envelope.reverse_path.mailbox = Mailbox::parse("sender@example.org").value();
    message.received_at = UnixTime{Duration(1'590'652'980'123'000)};
    message.expires_at = message.received_at + std::chrono::hours(120);
    DsnRecipient failed;
    failed.recipient.mailbox = Mailbox::parse("user@example.com").value();
    failed.reply = Reply{550, EnhancedStatus{5, 1, 1}, "5.1.1 No such user\n5.1.1 here"};
    failed.status = dsn_status(DsnAction::failed, Disposition::bounced, failed.reply);
    failed.remote_host = "mx1.example.com";
    failed.last_attempt_at = message.received_at + std::chrono::seconds(9);
    recipients.push_back(failed);
  }

  DsnRequest request(DsnAction action = DsnAction::failed) const {
    return {.message = message,
            .content = content,
            .recipients = recipients,
            .action = action,
            .hostname = "mail.example",
            .token = "0000000000C1S7",
            .at = message.received_at + std::chrono::minutes(1)};
  }

  StoredMessage message;
  std::vector<DsnRecipient> recipients;
  std::string content =
      "Received: from x\r\n\tby y; z\r\nMessage-ID: <abc@example.org>\r\nSubject: hi\r\n\r\nsecret "
      "body\r\n";
};

TEST_F(Dsn, IsAReportOfThreeParts) {
  const DsnMessage dsn = compose_dsn(request());
  EXPECT_TRUE(dsn.envelope.reverse_path.is_null());
  ASSERT_EQ(dsn.envelope.recipients.size(), 1U);
  EXPECT_EQ(dsn.envelope.recipients[0].mailbox.text(), "sender@example.org");
  EXPECT_EQ(dsn.envelope.recipients[0].notify, DsnNotify::never);
  EXPECT_FALSE(dsn.envelope.smtputf8);
  EXPECT_TRUE(is_ascii(dsn.content));

  const ParsedDsn parsed = parse(dsn.content);
  EXPECT_THAT(
      parsed.fields,
      ElementsAre(std::pair("Date", "Thu, 28 May 2020 08:04:00 +0000"),
                  std::pair("From", "Mail Delivery System <MAILER-DAEMON@mail.example>"),
                  std::pair("To", "<sender@example.org>"),
                  std::pair("Subject", "Delivery status notification: not delivered"),
                  std::pair("Message-ID", "<0000000000C1S7@mail.example>"),
                  std::pair("References", "<abc@example.org>"),
                  std::pair("Auto-Submitted", "auto-replied"), std::pair("MIME-Version", "1.0"),
                  std::pair("Content-Type",
                            "multipart/report; report-type=delivery-status; "
                            "boundary=\"=_mailweir-0000000000C1S7\"")));
  ASSERT_EQ(parsed.parts.size(), 3U);
  EXPECT_EQ(value_of(parsed.parts[0].fields, "Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(value_of(parsed.parts[1].fields, "Content-Type"), "message/delivery-status");
  EXPECT_EQ(value_of(parsed.parts[2].fields, "Content-Type"), "text/rfc822-headers");
}

TEST_F(Dsn, ReportsEachRecipientForPrograms) {
  message.envelope.envelope_id = "QQ+2B1";
  recipients[0].recipient.original_recipient = "rfc822;old+2Buser@example.com";
  DsnRecipient expired;
  expired.recipient.mailbox = Mailbox::parse("late@example.net").value();
  expired.disposition = Disposition::expired;
  expired.status = dsn_status(DsnAction::failed, Disposition::expired, {});
  expired.explanation = "No server answered.";
  recipients.push_back(expired);
  const auto groups = groups_of(parse(compose_dsn(request()).content).parts.at(1).body);
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_THAT(groups[0], ElementsAre(std::pair("Reporting-MTA", "dns; mail.example"),
                                     std::pair("Original-Envelope-Id", "QQ+1"),
                                     std::pair("X-Mailweir-Message-ID", "0000000000C1S"),
                                     std::pair("Arrival-Date", "Thu, 28 May 2020 08:03:00 +0000")));
  EXPECT_THAT(groups[1],
              ElementsAre(std::pair("Original-Recipient", "rfc822; old+user@example.com"),
                          std::pair("Final-Recipient", "rfc822; user@example.com"),
                          std::pair("Action", "failed"), std::pair("Status", "5.1.1"),
                          std::pair("Remote-MTA", "dns; mx1.example.com"),
                          std::pair("Diagnostic-Code", "smtp; 550 5.1.1 No such user 5.1.1 here"),
                          std::pair("Last-Attempt-Date", "Thu, 28 May 2020 08:03:09 +0000")));
  EXPECT_THAT(groups[2],
              ElementsAre(std::pair("Final-Recipient", "rfc822; late@example.net"),
                          std::pair("Action", "failed"), std::pair("Status", "4.4.7"),
                          std::pair("Diagnostic-Code", "x-mailweir; No server answered.")));
}

TEST_F(Dsn, TellsPeopleInTwoLanguages) {
  recipients[0].explanation = "The domain lists no other server.";
  const std::string text = decoded_text(parse(compose_dsn(request()).content).parts.at(0).body);
  for (const char* part :
       {"mail server mail.example.", "<user@example.com>", "Reason: The address does not exist.",
        "The domain lists no other server.",
        "Reply of mx1.example.com:\r\n      550 5.1.1 No such user\r\n          5.1.1 here\r\n",
        "再送は行いません。", "理由: 宛先のメールアドレスが存在しません。"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  recipients[0].disposition = Disposition::expired;
  recipients[0].status = {4, 2, 2};
  EXPECT_THAT(decoded_text(parse(compose_dsn(request()).content).parts.at(0).body),
              HasSubstr("tried until its time ran out. The mailbox is full."));
}

TEST_F(Dsn, ReturnsTheHeaderOnly) {
  const DsnMessage dsn = compose_dsn(request());
  EXPECT_EQ(
      parse(dsn.content).parts.at(2).body,
      "Received: from x\r\n\tby y; z\r\nMessage-ID: <abc@example.org>\r\nSubject: hi\r\n\r\n");
  EXPECT_THAT(dsn.content, Not(HasSubstr("secret body")));
}

TEST_F(Dsn, CutsALongHeaderBetweenFields) {
  content.clear();
  for (int i = 0; i < 900; ++i) content += "X-Field: " + std::string(90, 'x') + "\r\n";
  const std::string body = parse(compose_dsn(request()).content).parts.at(2).body;
  EXPECT_LE(body.size(), 50U * 1024 + 2);
  EXPECT_GT(body.size(), 50U * 1024 - 200);
  for (const auto& [name, value] : fields_of(body)) EXPECT_EQ(value.size(), 90U);
}

TEST_F(Dsn, EncodesAHeaderThatIsNotPlain) {
  for (const std::string& odd :
       {std::string("Subject: \xE6\x97\xA5 \xFF\r\n"), "X: " + std::string(2000, 'x') + "\r\n",
        std::string("X: a\rb\r\n"), std::string("X: a\0b\r\n", 8), std::string("X: \r\r\n")}) {
    content = odd + "\r\nbody";
    const ParsedPart part = parse(compose_dsn(request()).content).parts.at(2);
    EXPECT_EQ(value_of(part.fields, "Content-Transfer-Encoding"), "quoted-printable");
    EXPECT_EQ(decoded_text(part.body), odd + "\r\n");
  }
  content = "X: a\nY: b\n\nbody\n";  // LF alone becomes CRLF
  EXPECT_EQ(parse(compose_dsn(request()).content).parts.at(2).body, "X: a\r\nY: b\r\n\r\n");
}

TEST_F(Dsn, LetsNoOutsideTextOutOfItsPlace) {
  const std::string attack =
      "x\r\n\r\n--=_mailweir-0000000000C1S7--\r\nBcc: v@example.org\r\n\r\n.\r\n\x1B[2J "
      "\xFF\xE2\x80\xA8";
  message.envelope.envelope_id = "a+0D+0ABcc: x";
  DsnRecipient& hostile = recipients[0];
  hostile.recipient.original_recipient = "rfc822;a+0D+0ABcc:+20v@example.org";
  hostile.reply.text = attack;
  hostile.remote_host = attack;
  hostile.explanation = attack;
  content =
      "Message-ID: <a>\r\n\tBcc: <v@example.org>\r\nX: "
      "--=_mailweir-0000000000C1S7--\r\n--=_mailweir-0000000000C1S7--\r\n\r\n";
  DsnRequest attacked = request();
  attacked.hostname = attack;
  const ParsedDsn parsed = parse(compose_dsn(attacked).content);
  EXPECT_THAT(names_of(parsed.fields),
              ElementsAre("Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted",
                          "MIME-Version", "Content-Type"));
  ASSERT_EQ(parsed.parts.size(), 3U);
  const auto groups = groups_of(parsed.parts[1].body);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_THAT(names_of(groups[0]),
              ElementsAre("Reporting-MTA", "X-Mailweir-Message-ID", "Arrival-Date"));
  EXPECT_THAT(names_of(groups[1]), ElementsAre("Final-Recipient", "Action", "Status", "Remote-MTA",
                                               "Diagnostic-Code", "Last-Attempt-Date"));
  EXPECT_THAT(value_of(groups[1], "Diagnostic-Code"), HasSubstr("\\x1B[2J \\xFF\\xE2\\x80\\xA8"));
  EXPECT_THAT(decoded_text(parsed.parts[0].body), Not(HasSubstr("\x1B")));
}

TEST_F(Dsn, FoldsAndBoundsLongReplies) {
  recipients[0].reply.text = std::string(1500, 'w') + " " + std::string(20'000, 'v');
  const std::string dsn = compose_dsn(request()).content;
  EXPECT_LT(dsn.size(), 10'000U);
  EXPECT_THAT(value_of(groups_of(parse(dsn).parts.at(1).body).at(1), "Diagnostic-Code"),
              HasSubstr("[...]"));

  recipients[0].reply.text.clear();
  for (int i = 0; i < 100; ++i) recipients[0].reply.text += "word ";
  const std::string folded = parse(compose_dsn(request()).content).parts.at(1).body;
  const std::size_t begin = folded.find("Diagnostic-Code");
  EXPECT_LE(folded.find("\r\n", begin) - begin, 78U);
}

TEST_F(Dsn, WritesAddressesOutsideAsciiForAnAsciiSender) {
  recipients[0].recipient.mailbox =
      Mailbox::parse("用户@例え.テスト", AddressCharset::utf8).value();
  recipients[0].recipient.original_recipient = "utf-8;用户@b";
  const DsnMessage dsn = compose_dsn(request());
  EXPECT_TRUE(is_ascii(dsn.content));
  EXPECT_FALSE(dsn.envelope.smtputf8);
  const auto groups = groups_of(parse(dsn.content).parts.at(1).body);
  EXPECT_EQ(value_of(groups.at(1), "Final-Recipient"),
            "utf-8; \\x{7528}\\x{6237}@\\x{4F8B}\\x{3048}.\\x{30C6}\\x{30B9}\\x{30C8}");
  EXPECT_EQ(value_of(groups.at(1), "Original-Recipient"), "utf-8; \\x{7528}\\x{6237}@b");
}

TEST_F(Dsn, IsInternationalForAnInternationalSender) {
  message.envelope.reverse_path.mailbox =
      Mailbox::parse("送信者@例え.テスト", AddressCharset::utf8).value();
  recipients[0].recipient.mailbox =
      Mailbox::parse("用户@例え.テスト", AddressCharset::utf8).value();
  recipients[0].reply.text = "5.1.1 宛先不明 \xFF";
  content = "Subject: 日本\r\n\r\n";
  const DsnMessage dsn = compose_dsn(request());
  EXPECT_TRUE(dsn.envelope.smtputf8);
  EXPECT_EQ(dsn.envelope.body, BodyType::eight_bit_mime);
  EXPECT_TRUE(is_valid_utf8(dsn.content));
  const ParsedDsn parsed = parse(dsn.content);
  EXPECT_EQ(value_of(parsed.fields, "To"), "<送信者@例え.テスト>");
  EXPECT_EQ(value_of(parsed.parts.at(1).fields, "Content-Type"), "message/global-delivery-status");
  EXPECT_EQ(value_of(parsed.parts.at(2).fields, "Content-Type"), "message/global-headers");
  const auto groups = groups_of(parsed.parts.at(1).body);
  EXPECT_EQ(value_of(groups.at(1), "Final-Recipient"), "utf-8; 用户@例え.テスト");
  EXPECT_EQ(value_of(groups.at(1), "Diagnostic-Code"), "smtp; 550 5.1.1 宛先不明 \\xFF");
  EXPECT_EQ(parsed.parts.at(2).body, "Subject: 日本\r\n\r\n");
}

TEST_F(Dsn, TellsOfDelayAndOfRelaying) {
  recipients[0].status = {4, 2, 2};
  const ParsedDsn delayed = parse(compose_dsn(request(DsnAction::delayed)).content);
  EXPECT_EQ(value_of(delayed.fields, "Subject"), "Delivery status notification: delayed");
  const auto groups = groups_of(delayed.parts.at(1).body);
  EXPECT_EQ(value_of(groups.at(1), "Action"), "delayed");
  EXPECT_EQ(value_of(groups.at(1), "Will-Retry-Until"), "Tue, 2 Jun 2020 08:03:00 +0000");

  recipients[0].reply = Reply{250, EnhancedStatus{2, 1, 5}, "2.1.5 ok"};
  recipients[0].status =
      dsn_status(DsnAction::relayed, Disposition::delivered, recipients[0].reply);
  const ParsedDsn relayed = parse(compose_dsn(request(DsnAction::relayed)).content);
  EXPECT_EQ(value_of(relayed.fields, "Subject"), "Delivery status notification: relayed");
  EXPECT_EQ(value_of(groups_of(relayed.parts.at(1).body).at(1), "Action"), "relayed");
  EXPECT_EQ(value_of(groups_of(relayed.parts.at(1).body).at(1), "Status"), "2.1.5");
  EXPECT_THAT(decoded_text(relayed.parts.at(0).body), Not(HasSubstr("Reason")));
}

TEST_F(Dsn, OfANoticeGoesToThePostmaster) {
  message.envelope.reverse_path = {};
  const DsnMessage dsn =
      compose_double_bounce(request(), Mailbox::parse("postmaster@mail.example").value());
  EXPECT_TRUE(dsn.envelope.reverse_path.is_null());
  EXPECT_EQ(dsn.envelope.recipients.at(0).mailbox.text(), "postmaster@mail.example");
  const ParsedDsn parsed = parse(dsn.content);
  EXPECT_EQ(value_of(parsed.fields, "To"), "<postmaster@mail.example>");
  EXPECT_EQ(value_of(parsed.fields, "Subject"), "Undeliverable notification (double bounce)");
  EXPECT_THAT(decoded_text(parsed.parts.at(0).body), HasSubstr("no return address"));
}

TEST_F(Dsn, IsTheSameForTheSameRequest) {
  EXPECT_EQ(compose_dsn(request()).content, compose_dsn(request()).content);
}

TEST(DsnRules, ObeyTheSenderAndTheNullPath) {
  Envelope envelope;
  envelope.reverse_path.mailbox = Mailbox::parse("s@example.org").value();
  const struct {
    DsnNotify notify;
    bool failed, delayed, relayed;
  } cases[] = {
      {DsnNotify::unspecified, true, true, false},
      {DsnNotify::never, false, false, false},
      {DsnNotify::success, false, false, true},
      {DsnNotify::failure, true, false, false},
      {DsnNotify::delay, false, true, false},
      {DsnNotify::success | DsnNotify::failure, true, false, true},
      {DsnNotify::never | DsnNotify::failure, false, false, false},
  };
  for (const auto& c : cases) {
    const Recipient recipient{
        .mailbox = envelope.reverse_path.mailbox, .notify = c.notify, .original_recipient = {}};
    EXPECT_EQ(is_dsn_wanted(envelope, recipient, DsnAction::failed), c.failed);
    EXPECT_EQ(is_dsn_wanted(envelope, recipient, DsnAction::delayed), c.delayed);
    EXPECT_EQ(is_dsn_wanted(envelope, recipient, DsnAction::relayed), c.relayed);
    EXPECT_FALSE(is_dsn_wanted(Envelope{}, recipient, DsnAction::failed));
  }
}

TEST(DsnStatus, FitsTheAction) {
  const Reply unknown_user{550, EnhancedStatus{5, 1, 1}, "5.1.1 no"};
  const Reply busy{451, EnhancedStatus{4, 7, 1}, "4.7.1 wait"};
  EXPECT_EQ(dsn_status(DsnAction::failed, Disposition::bounced, unknown_user),
            (EnhancedStatus{5, 1, 1}));
  EXPECT_EQ(dsn_status(DsnAction::failed, Disposition::bounced, Reply{550, {}, "no"}),
            (EnhancedStatus{5, 0, 0}));
  EXPECT_EQ(dsn_status(DsnAction::failed, Disposition::bounced, busy), (EnhancedStatus{5, 0, 0}));
  EXPECT_EQ(dsn_status(DsnAction::failed, Disposition::expired, busy), (EnhancedStatus{4, 4, 7}));
  EXPECT_EQ(dsn_status(DsnAction::delayed, Disposition::deferred, busy), (EnhancedStatus{4, 7, 1}));
  EXPECT_EQ(dsn_status(DsnAction::delayed, Disposition::deferred, {}), (EnhancedStatus{4, 0, 0}));
  EXPECT_EQ(dsn_status(DsnAction::relayed, Disposition::delivered, Reply{250, {}, "ok"}),
            (EnhancedStatus{2, 0, 0}));
}

}  // namespace
}  // namespace mailweir
