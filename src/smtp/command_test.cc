#include "smtp/command.h"

#include <gtest/gtest.h>

namespace mailweir::smtp {
namespace {

template <class T>
T parsed(std::string_view line, AddressCharset charset = AddressCharset::ascii) {
  auto command = parse_command(line, charset);
  EXPECT_TRUE(command) << line << ": " << (command ? "" : command.error().text);
  if (!command || !std::holds_alternative<T>(*command)) {
    ADD_FAILURE() << line << " is another command";
    return {};
  }
  return std::get<T>(*std::move(command));
}

int refusal(std::string_view line, AddressCharset charset = AddressCharset::ascii) {
  const auto command = parse_command(line, charset);
  return command ? 0 : command.error().code;
}

TEST(Command, VerbsAreReadWithoutCase) {
  for (const auto& [line, verb] : std::vector<std::pair<std::string_view, Verb>>{
           {"DATA", Verb::data},
           {"data", Verb::data},
           {"RsEt", Verb::rset},
           {"NOOP", Verb::noop},
           {"noop anything", Verb::noop},
           {"QUIT", Verb::quit},
           {"quit  ", Verb::quit},
           {"VRFY someone", Verb::vrfy},
           {"EXPN list", Verb::expn},
           {"HELP", Verb::help},
           {"STARTTLS", Verb::starttls},
           {"GET / HTTP/1.1", Verb::foreign},
           {"BDAT 5 LAST", Verb::unknown},
           {"", Verb::unknown},
           {" DATA", Verb::unknown},
           {"AUTH PLAIN x", Verb::unknown},
       }) {
    EXPECT_EQ(parsed<PlainCommand>(line).verb, verb) << line;
  }
}

TEST(Command, MailTakesEveryParameterWeOffer) {
  const auto mail = parsed<MailCommand>(
      "mail from:<Jane@Example.COM> SIZE=12345 body=8bitmime RET=HDRS ENVID=QQ+2B314159 AUTH=<> "
      "SMTPUTF8");
  EXPECT_EQ(mail.reverse_path.text(), "Jane@example.com");
  EXPECT_EQ(mail.declared_size, 12345u);
  EXPECT_EQ(mail.body, BodyType::eight_bit_mime);
  EXPECT_EQ(mail.dsn_return, DsnReturn::headers);
  EXPECT_EQ(mail.envelope_id, "QQ+2B314159");
  EXPECT_TRUE(mail.smtputf8);
}

TEST(Command, MailDefaultsAreThoseOfTheStandard) {
  const auto mail = parsed<MailCommand>("MAIL FROM:<>");
  EXPECT_TRUE(mail.reverse_path.is_null());
  EXPECT_EQ(mail.declared_size, 0u);
  EXPECT_EQ(mail.body, BodyType::seven_bit);
  EXPECT_EQ(mail.dsn_return, DsnReturn::unspecified);
  EXPECT_FALSE(mail.smtputf8);
}

TEST(Command, PathEndsAtTheBracketOutsideQuotes) {
  EXPECT_EQ(parsed<MailCommand>(R"(MAIL FROM:<"a>b"@example.com> SIZE=1)").reverse_path.text(),
            R"("a>b"@example.com)");
  EXPECT_EQ(parsed<MailCommand>(R"(MAIL FROM:<"a\">b"@example.com>)").reverse_path.text(),
            R"("a\">b"@example.com)");
  EXPECT_EQ(parsed<MailCommand>("MAIL FROM:   <a@example.com>").reverse_path.text(),
            "a@example.com");
}

TEST(Command, RcptTakesDsnParameters) {
  const auto rcpt =
      parsed<RcptCommand>(
          "RCPT TO:<b@example.net> NOTIFY=success,FAILURE ORCPT=rfc822;b+2Bx@example.net")
          .recipient;
  EXPECT_EQ(rcpt.mailbox.text(), "b@example.net");
  EXPECT_EQ(rcpt.notify, DsnNotify::success | DsnNotify::failure);
  EXPECT_EQ(rcpt.original_recipient, "rfc822;b+2Bx@example.net");
  EXPECT_EQ(parsed<RcptCommand>("RCPT TO:<b@example.net> NOTIFY=NEVER").recipient.notify,
            DsnNotify::never);
}

TEST(Command, Utf8AddressesNeedTheParameter) {
  EXPECT_EQ(refusal("MAIL FROM:<j\xc3\xbcrgen@example.com>"), 553);
  EXPECT_EQ(
      parsed<MailCommand>("MAIL FROM:<j\xc3\xbcrgen@example.com> SMTPUTF8").reverse_path.text(),
      "j\xc3\xbcrgen@example.com");
  EXPECT_EQ(refusal("RCPT TO:<j\xc3\xbcrgen@example.com>"), 553);
  EXPECT_EQ(refusal("RCPT TO:<j\xc3\xbcrgen@example.com>", AddressCharset::utf8), 0);
}

TEST(Command, RefusalsCarryTheReplyToGive) {
  const struct {
    std::string_view line;
    int code;
  } cases[] = {
      {"MAIL", 501},
      {"MAIL FROM:", 501},
      {"MAIL FROM:a@example.com", 501},
      {"MAIL FROM:<a@example.com", 501},
      {"MAIL FROM:<a@example.com>SIZE=1", 501},
      {"MAIL TO:<a@example.com>", 501},
      {"MAIL FROM:<a@example.com> SIZE=", 501},
      {"MAIL FROM:<a@example.com> SIZE=x", 501},
      {"MAIL FROM:<a@example.com> SIZE=-1", 501},
      {"MAIL FROM:<a@example.com> SIZE=1 SIZE=2", 501},
      {"MAIL FROM:<a@example.com> size=1 SIZE=1", 501},
      {"MAIL FROM:<a@example.com> BODY=BINARYMIME", 501},
      {"MAIL FROM:<a@example.com> SMTPUTF8=yes", 501},
      {"MAIL FROM:<a@example.com> RET=SOME", 501},
      {"MAIL FROM:<a@example.com> ENVID=a=b", 501},
      {"MAIL FROM:<a@example.com> ENVID=a+2", 501},
      {"MAIL FROM:<a@example.com> =1", 501},
      {"MAIL FROM:<a@example.com> X-UNKNOWN", 555},
      {"MAIL FROM:<a@example.com> NOTIFY=NEVER", 555},
      {"MAIL FROM:<@relay.example:a@example.com>", 553},
      {"MAIL FROM:<a>", 553},
      {"RCPT TO:<>", 553},
      {"RCPT TO:<@relay.example:b@example.net>", 553},
      {"RCPT TO:<b%example.org@example.net>", 553},
      {"RCPT TO:<example.org!b@example.net>", 553},
      {"RCPT TO:<b@example.net> NOTIFY=NEVER,FAILURE", 501},
      {"RCPT TO:<b@example.net> NOTIFY=", 501},
      {"RCPT TO:<b@example.net> NOTIFY", 501},
      {"RCPT TO:<b@example.net> ORCPT=b@example.net", 501},
      {"RCPT TO:<b@example.net> ORCPT=;b", 501},
      {"RCPT TO:<b@example.net> SIZE=1", 555},
      {"EHLO", 501},
      {"EHLO two names", 501},
      {"EHLO caf\xc3\xa9.example", 501},
      {"DATA now", 501},
      {"STARTTLS now", 501},
      {"RSET now", 501},
      {"VRFY", 501},
  };
  for (const auto& [line, code] : cases) EXPECT_EQ(refusal(line), code) << line;
}

TEST(Command, SizesBeyondAllMeasureAreTooBigNotWrong) {
  EXPECT_EQ(parsed<MailCommand>("MAIL FROM:<> SIZE=99999999999999999999").declared_size,
            UINT64_MAX);
  EXPECT_EQ(refusal("MAIL FROM:<> SIZE=999999999999999999999"), 501);
}

TEST(Command, LimitsOfLengthDependOnTheVerb) {
  EXPECT_EQ(refusal("NOOP " + std::string(505, 'x')), 0);
  EXPECT_EQ(refusal("NOOP " + std::string(506, 'x')), 500);
  const std::string rcpt = "RCPT TO:<b@example.net> ORCPT=rfc822;" + std::string(493, 'x');
  EXPECT_EQ(refusal(rcpt), 0);
  EXPECT_EQ(refusal(rcpt + "x"), 501);
  EXPECT_EQ(refusal("RCPT TO:<b@example.net>" + std::string(1100, ' ')), 500);
  EXPECT_EQ(refusal("MAIL FROM:<a@example.com> ENVID=" + std::string(101, 'x')), 501);
}

TEST(Command, TooManyParametersAreRefused) {
  std::string line = "MAIL FROM:<>";
  for (int i = 0; i < 17; ++i) line += " P" + std::to_string(i);
  EXPECT_EQ(refusal(line), 501);
}

TEST(Command, ReplyOfReadsCodeAndStatus) {
  const auto reply = reply_of("452 4.3.1 Out of memory");
  EXPECT_EQ(reply.code, 452);
  EXPECT_EQ(reply.enhanced, (EnhancedStatus{4, 3, 1}));
  EXPECT_EQ(reply.text, "4.3.1 Out of memory");
}

}  // namespace
}  // namespace mailweir::smtp
