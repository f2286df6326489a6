#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "provider/catalogue.h"
#include "provider/lint.h"
#include "provider/reply_text.h"
#include "provider/wait_hint.h"

namespace mailweir::provider {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Ruling judge(std::string_view provider, Phase phase, std::string_view text,
             bool session_has_worked = false) {
  const auto reply = parse_reply_text(text);
  EXPECT_TRUE(reply.has_value()) << text;
  return Catalogue::embedded().classify(provider, phase, *reply, session_has_worked);
}

Category category_of(std::string_view text, Phase phase = Phase::rcpt) {
  return judge("", phase, text).category;
}

TEST(EmbeddedRules, AreCleanUnderLint) {
  for (const Finding& finding : lint(Catalogue::embedded().entries()))
    ADD_FAILURE() << to_string(finding);
}

TEST(Lint, APhraseThatNoSampleShowsIsNamed) {
  const auto entry = Catalogue::parse(
      "key = \"a\"\nname = \"A\"\nmx = [\"*.a.net\"]\n[[rule]]\nname = \"r\"\nphrase = [\"too "
      "soon\", "
      "\"to soon\"]\ncategory = \"throttled\"\nscope = \"source\"\nsource = \"x\"\ndate = "
      "\"2026\"\n"
      "samples = [{ phase = \"mail\", reply = \"450 4.7.1 Too soon\" }]\n",
      "a.toml");
  ASSERT_TRUE(entry.has_value()) << entry.error().context;
  const auto findings = lint({{*entry}});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(to_string(findings[0]), "a.toml:4: rule a/r: no sample shows \"to soon\"");
}

TEST(Lint, ADateAndAPatternThatIsAnothersAreNamed) {
  const auto entry = [](std::string_view key, std::string_view date) {
    auto parsed = Catalogue::parse(
        fmt::format("key = \"{0}\"\nname = \"A\"\nmx = [\"*.a.net\"]\n[[rule]]\nname = \"r\"\n"
                    "phrase = \"too soon\"\ncategory = \"throttled\"\nscope = \"source\"\n"
                    "source = \"x\"\ndate = \"{1}\"\n"
                    "samples = [{{ phase = \"mail\", reply = \"450 4.7.1 Too soon\" }}]\n",
                    key, date),
        std::string(key) + ".toml");
    EXPECT_TRUE(parsed.has_value());
    return *parsed;
  };
  std::vector<std::string> found;
  for (const Finding& finding : lint({{entry("a", "yesterday"), entry("b", "2026-05-28")}}))
    found.push_back(to_string(finding));
  EXPECT_THAT(found, testing::UnorderedElementsAre(testing::HasSubstr("\"yesterday\" is no date"),
                                                   testing::HasSubstr("\"*.a.net\" are found")));
}

TEST(Classify, NothingKnownIsNeverAPathLevelVerdict) {
  EXPECT_EQ(category_of("450 4.0.0 nee"), Category::unknown_temporary);
  EXPECT_EQ(category_of("550 5.7.1 nee"), Category::unknown_permanent);
  EXPECT_EQ(judge("", Phase::rcpt, "554 nee").rule, "unknown");
}

TEST(Classify, AnAddressCannotMakeARefusalOfItsOwnerOneOfThePath) {
  EXPECT_EQ(category_of("550 5.1.1 <ken@rbl.example>: user unknown"), Category::mailbox);
  EXPECT_EQ(category_of("550 5.1.1 <blacklisted@spamhaus.example>: no such user"),
            Category::mailbox);
}

TEST(Classify, A421BetweenMessagesIsTheEndOfTheSession) {
  EXPECT_EQ(judge("", Phase::idle, "421 bye").category, Category::session_end);
  EXPECT_EQ(judge("", Phase::mail, "421 Service not available", true).category,
            Category::session_end);
  EXPECT_EQ(judge("", Phase::mail, "421 Service not available").category,
            Category::receiver_trouble);
  EXPECT_EQ(judge("", Phase::mail, "421 4.7.0 too many messages from your IP", true).category,
            Category::throttled);
}

TEST(Classify, AWaitNamedInProseIsTaken) {
  EXPECT_EQ(
      judge("", Phase::rcpt, "451 4.7.1 Greylisting in action, please come back in 00:05:00").wait,
      minutes(5));
  EXPECT_EQ(judge("", Phase::rcpt, "450 Greylisted, try again in 300 seconds").wait, seconds(300));
  EXPECT_EQ(judge("", Phase::mail, "421 too many messages per hour").wait, Duration::zero());
}

TEST(Classify, ARepeatedStatusInsideAMultiLineReplyIsNotPartOfTheProse) {
  EXPECT_EQ(
      category_of("550-5.1.1 The email account that you tried to\n550 5.1.1 reach is unknown"),
      Category::mailbox);
  EXPECT_EQ(category_of("421-4.7.0 sent too many\n421 4.7.0 messages"), Category::throttled);
}

TEST(WaitHint, ReadsUnitsAndClocksBoundedToADay) {
  EXPECT_EQ(wait_hint(" please try again in 10 minutes "), minutes(10));
  EXPECT_EQ(wait_hint(" retry after 300 seconds "), seconds(300));
  EXPECT_EQ(wait_hint(" come back in 1:30:00 "), minutes(90));
  EXPECT_EQ(wait_hint(" greylisted for 5 minutes "), minutes(5));
  EXPECT_EQ(wait_hint(" try again in 20s "), seconds(20));
  EXPECT_EQ(wait_hint(" retry in 300 hours "), wait_hint_max);
  EXPECT_EQ(wait_hint(" retry in 0 seconds "), Duration::zero());
}

TEST(WaitHint, ReadsOtherWordings) {
  EXPECT_EQ(wait_hint(" throttled, retry-after: 120 "), seconds(120));
  EXPECT_EQ(wait_hint(" retry after 3600 "), seconds(3600));
  EXPECT_EQ(wait_hint(" ratelimited, next slot in 40s "), seconds(40));
  EXPECT_EQ(wait_hint(" throttled for the next 30 min "), minutes(30));
  EXPECT_EQ(wait_hint(" we found spam and blocked it for 24 hours "), wait_hint_max);
  EXPECT_EQ(wait_hint(" try again in 5 min 30 sec "), seconds(330));
  EXPECT_EQ(wait_hint(" please wait 1 hour, 20 minutes and 5 seconds "), seconds(4805));
}

TEST(WaitHint, ReadsOtherLanguages) {
  EXPECT_EQ(wait_hint(" bitte versuchen sie es in 10 minuten erneut "), minutes(10));
  EXPECT_EQ(wait_hint(" réessayez dans 10 minutes "), minutes(10));
  EXPECT_EQ(wait_hint(" inténtelo de nuevo en 15 minutos "), minutes(15));
  EXPECT_EQ(wait_hint(" riprovare tra 2 ore "), std::chrono::hours(2));
  EXPECT_EQ(wait_hint(" повторите через 5 минут "), minutes(5));
  EXPECT_EQ(wait_hint(" 10分後に再送してください "), minutes(10));
  EXPECT_EQ(wait_hint(" 请30分钟后重试 "), minutes(30));
  EXPECT_EQ(wait_hint(" 10분 후 다시 시도하십시오 "), minutes(10));
}

TEST(WaitHint, ARateAndAnAddressAreNoWait) {
  EXPECT_EQ(wait_hint(" exceeded 200 messages in 60 seconds, try later "), Duration::zero());
  EXPECT_EQ(wait_hint(" 10分間に100通 "), Duration::zero());
  EXPECT_EQ(wait_hint(" please retry after 3 attempts "), Duration::zero());
  EXPECT_EQ(wait_hint(" limit of 20 messages per 60 minutes "), Duration::zero());
  EXPECT_EQ(wait_hint(" 100 messages in the last 5 minutes, try again "), Duration::zero());
  EXPECT_EQ(wait_hint(" try again later 192.0.2.1 s "), Duration::zero());
  EXPECT_EQ(wait_hint(" 9999999 "), Duration::zero());
}

TEST(ReplyText, JoinsTheLinesOfALog) {
  const auto reply = parse_reply_text("550-5.7.1 first part 550-5.7.1 second 550 5.7.1 third");
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->code, 550);
  EXPECT_EQ(reply->text, "5.7.1 first part\n5.7.1 second\n5.7.1 third");
  EXPECT_EQ(reply->enhanced, (EnhancedStatus{5, 7, 1}));
  EXPECT_FALSE(parse_reply_text("no code").has_value());
  EXPECT_FALSE(parse_reply_text("5501 no").has_value());
  EXPECT_FALSE(parse_reply_text("192.0.2.1 no").has_value());
}

}  // namespace
}  // namespace mailweir::provider
