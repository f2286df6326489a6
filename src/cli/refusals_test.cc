// What counts as one reply in the lines that a person hands over.
#include "cli/refusals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mail/reply_parser.h"
#include "provider/catalogue.h"

namespace mailweir::cli {
namespace {

using testing::ElementsAre;

// As a session reads it.
Reply session_reply(std::string_view raw) {
  ReplyParser parser;
  parser.feed(raw);
  return parser.next().value().value();
}

std::vector<std::string> texts(std::string_view input) {
  std::vector<std::string> found;
  for (const Refusal& refusal : read_refusals(input).found) found.push_back(refusal.reply.text);
  return found;
}

constexpr std::string_view gmx_banner =
    "554-gmx.example (mxgmx014) Nemesis ESMTP Service not available\r\n"
    "554-No SMTP service\r\n"
    "554-IP address is block listed.\r\n"
    "554 For explanation visit https://www.gmx.example/?ip=192.0.2.1\r\n";

TEST(Refusals, AReplyOfSeveralLinesIsTheOneASessionReads) {
  for (const std::string_view raw :
       {gmx_banner,
        std::string_view(
            "421-Your IP address has been\r\n421 temporarily blocked for 30 minutes\r\n"),
        std::string_view("550-5.7.1 one\r\n550-5.7.1 two\r\n550\r\n")}) {
    std::string with_lf(raw);
    std::erase(with_lf, '\r');
    for (const std::string_view input :
         {raw, raw.substr(0, raw.size() - 2), std::string_view(with_lf)}) {
      const Refusals refusals = read_refusals(input);
      ASSERT_EQ(refusals.found.size(), 1U) << input;
      EXPECT_EQ(refusals.found[0].reply, session_reply(raw));
    }
  }
}

TEST(Refusals, WhatALineAloneDoesNotTellIsJudged) {
  const auto& catalogue = provider::Catalogue::embedded();
  const Refusals banner = read_refusals(gmx_banner);
  ASSERT_EQ(banner.found.size(), 1U);
  EXPECT_EQ(catalogue.classify("gmx", Phase::banner, banner.found[0].reply).category,
            provider::Category::block_listed);
  const Refusals blocked =
      read_refusals("421-Your IP address has been\r\n421 temporarily blocked for 30 minutes");
  ASSERT_EQ(blocked.found.size(), 1U);
  EXPECT_EQ(catalogue.classify("", Phase::rcpt, blocked.found[0].reply).wait,
            std::chrono::minutes(30));
}

TEST(Refusals, AReplyGoesOnWithItsOwnCodeOnly) {
  EXPECT_THAT(texts("550-one\n551 two\n"), ElementsAre("one", "two"));
  EXPECT_THAT(texts("550-one\n550-two\n451 three\n"), ElementsAre("one\ntwo", "three"));
  EXPECT_THAT(texts("550-one\n5501 two\n"), ElementsAre("one"));
  EXPECT_THAT(texts("550-one\n550 two\n550 three\n"), ElementsAre("one\ntwo", "three"));
  EXPECT_THAT(texts("250-one\n250 two\n"), ElementsAre());
}

TEST(Refusals, LinesOfAListStayApart) {
  EXPECT_THAT(texts("550 one\n550 two\n"), ElementsAre("one", "two"));
  EXPECT_THAT(texts("550-one 550 two\n550-three 550 four\n"),
              ElementsAre("one\ntwo", "three\nfour"));
  EXPECT_THAT(texts("550-one\n"), ElementsAre("one"));
  EXPECT_THAT(texts("Nov 22 10:00:00 mx smtp[1]: host a.example said: 550-one\n550 two\n"),
              ElementsAre("one", "two"));
}

TEST(Refusals, ARunOfOpenLinesIsBounded) {
  std::string lines;
  for (std::size_t i = 0; i < 3 * ReplyParser::lines_max; ++i) lines += "550-x\n";
  EXPECT_EQ(read_refusals(lines).found.size(), 3U);
}

}  // namespace
}  // namespace mailweir::cli
