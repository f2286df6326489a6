#include "mail/reply_parser.h"

#include <gtest/gtest.h>

#include <vector>

namespace mailweir {
namespace {

// Everything a parser yields when `wire` arrives in pieces of `step` octets; stops at the first
// refusal.
struct Reading {
  std::vector<Reply> replies;
  bool refused = false;
  bool operator==(const Reading&) const = default;
};
Reading read_in_steps(std::string_view wire, std::size_t step) {
  ReplyParser parser;
  Reading reading;
  for (std::size_t at = 0; at < wire.size() && !reading.refused; at += step) {
    parser.feed(wire.substr(at, step));
    while (true) {
      auto next = parser.next();
      reading.refused = !next;
      if (!next || !*next) break;
      reading.replies.push_back(std::move(**next));
    }
  }
  return reading;
}

Reply only_reply(std::string_view wire) {
  Reading reading = read_in_steps(wire, wire.size());
  EXPECT_FALSE(reading.refused) << wire;
  EXPECT_EQ(reading.replies.size(), 1U) << wire;
  return reading.replies.empty() ? Reply{} : reading.replies.front();
}

TEST(ReplyParser, ReadsOneLine) {
  EXPECT_EQ(only_reply("250 2.0.0 Ok: queued as 4XyZ\r\n"),
            (Reply{250, EnhancedStatus{2, 0, 0}, "2.0.0 Ok: queued as 4XyZ"}));
  EXPECT_EQ(only_reply("550 No such user\r\n"), (Reply{550, {}, "No such user"}));
}

TEST(ReplyParser, JoinsTheLinesOfOneReply) {
  EXPECT_EQ(only_reply("250-mx.example.net\r\n250-PIPELINING\r\n250-\r\n250 SIZE 1000\r\n"),
            (Reply{250, {}, "mx.example.net\nPIPELINING\n\nSIZE 1000"}));
  EXPECT_EQ(only_reply("550-5.1.1 No\r\n550 5.1.1 such user\r\n"),
            (Reply{550, EnhancedStatus{5, 1, 1}, "5.1.1 No\n5.1.1 such user"}));
}

TEST(ReplyParser, ToleratesWhatServersReallySend) {
  EXPECT_EQ(only_reply("250 ok\n"), (Reply{250, {}, "ok"}));
  EXPECT_EQ(only_reply("250\r\n"), (Reply{250, {}, ""}));
  EXPECT_EQ(only_reply("250 \r\n"), (Reply{250, {}, ""}));
  EXPECT_EQ(only_reply("250-\r\n250\r\n"), (Reply{250, {}, "\n"}));
  EXPECT_EQ(only_reply("250\tok\r\r\n"), (Reply{250, {}, "ok"}));
  EXPECT_EQ(only_reply("599 \xE5\xAE\x9B\xFF\r\n"), (Reply{599, {}, "\xE5\xAE\x9B\xFF"}));
}

TEST(ReplyParser, GivesTheSameHoweverTheBytesAreSplit) {
  const std::string_view wire =
      "220 mx.example.net ESMTP\r\n250-mx\r\n250-SIZE\r\n250 DSN\r\n250 2.1.0 ok\n354 "
      "go\r\n451-4.7.1 wait\r\n451 4.7.1 a while\r\n";
  const Reading whole = read_in_steps(wire, wire.size());
  ASSERT_EQ(whole.replies.size(), 5U);
  for (std::size_t step = 1; step < wire.size(); ++step)
    EXPECT_EQ(read_in_steps(wire, step), whole) << step;
}

TEST(ReplyParser, RefusesWhatIsNotSmtp) {
  for (const std::string_view bad :
       {std::string_view("HTTP/1.1 400 Bad Request\r\n"), std::string_view("\r\n"),
        std::string_view("25\r\n"), std::string_view("2500 ok\r\n"), std::string_view("250ok\r\n"),
        std::string_view("199 no\r\n"), std::string_view("600 no\r\n"),
        std::string_view("000 no\r\n"), std::string_view("-50 no\r\n"),
        std::string_view(" 250 no\r\n"), std::string_view("250 a\0b\r\n", 9),
        std::string_view("250-one\r\n550 two\r\n"), std::string_view("250-one\r\ntwo\r\n"),
        std::string_view("\x16\x03\x01\n")}) {
    for (const std::size_t step : {std::size_t{1}, bad.size()})
      EXPECT_TRUE(read_in_steps(bad, step).refused) << bad;
  }
}

TEST(ReplyParser, StaysFailedUntilReset) {
  ReplyParser parser;
  parser.feed("nonsense\r\n250 ok\r\n");
  const auto first = parser.next();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, Errc::corrupt);
  EXPECT_NE(first.error().context.find("nonsense"), std::string::npos);
  parser.feed("250 ok\r\n");
  EXPECT_FALSE(parser.next());
  EXPECT_FALSE(parser.has_unread_bytes());
  parser.reset();
  parser.feed("250 ok\r\n");
  EXPECT_EQ((**parser.next()).code, 250);
}

TEST(ReplyParser, BoundsTheLinesOfAReply) {
  std::string wire;
  for (std::size_t i = 1; i < ReplyParser::lines_max; ++i) wire += "250-x\r\n";
  EXPECT_FALSE(read_in_steps(wire + "250 x\r\n", 50).refused);
  EXPECT_TRUE(read_in_steps(wire + "250-x\r\n250 x\r\n", 50).refused);
}

TEST(ReplyParser, BoundsTheBytesOfAReplyWithOrWithoutLineEnd) {
  const std::string fits = "250 " + std::string(ReplyParser::bytes_max - 6, 'x') + "\r\n";
  EXPECT_EQ(only_reply(fits).text.size(), ReplyParser::bytes_max - 6);
  EXPECT_TRUE(read_in_steps("250 x" + fits.substr(4), 1000).refused);
  EXPECT_TRUE(read_in_steps(std::string(ReplyParser::bytes_max + 1, '2'), 1000).refused);
}

TEST(ReplyParser, TellsOfBytesBehindTheLastReply) {
  ReplyParser parser;
  parser.feed("220 go ahead\r\n");
  ASSERT_TRUE(parser.next().value());
  EXPECT_FALSE(parser.has_unread_bytes());
  parser.reset();
  parser.feed("220 go ahead\r\n250 injected\r\n");
  ASSERT_TRUE(parser.next().value());
  EXPECT_TRUE(parser.has_unread_bytes());
}

}  // namespace
}  // namespace mailweir
