#include "mail/dot_stuffing.h"

#include <gtest/gtest.h>

namespace mailweir {
namespace {

std::string joined(const DataSpans& data) {
  std::string wire;
  for (const std::string_view span : data.spans()) wire.append(span);
  EXPECT_EQ(wire.size(), data.size());
  return wire;
}

// What a receiver makes of a wire image: undoes the stuffing line by line (RFC 5321 section 4.5.2).
std::string received(std::string_view wire) {
  std::string content;
  while (true) {
    const std::size_t end = wire.find("\r\n");
    if (end == std::string_view::npos) return "no final dot";
    std::string_view line = wire.substr(0, end + 2);
    wire.remove_prefix(end + 2);
    if (line == ".\r\n") return wire.empty() ? content : "bytes behind the final dot";
    if (line.starts_with('.')) line.remove_prefix(1);
    content.append(line);
  }
}

TEST(DotStuffing, DoublesDotsAtLineStartsOnly) {
  const struct {
    std::string_view content;
    std::string_view wire;
  } cases[] = {
      {"", ".\r\n"},
      {"a\r\n", "a\r\n.\r\n"},
      {"a", "a\r\n.\r\n"},
      {".", "..\r\n.\r\n"},
      {"..\r\n", "...\r\n.\r\n"},
      {".\r\n.\r\n.", "..\r\n..\r\n..\r\n.\r\n"},
      {"a.b\r\n.c\r\nd.\r\n", "a.b\r\n..c\r\nd.\r\n.\r\n"},
      {"\r\n.\r\n", "\r\n..\r\n.\r\n"},
      {"a\n.b\r\n", "a\n.b\r\n.\r\n"},  // a bare LF ends no line
      {"a\r", "a\r\r\n.\r\n"},
  };
  for (const auto& c : cases) {
    std::string out = "DATA:";
    append_dot_stuffed(out, c.content);
    EXPECT_EQ(out, "DATA:" + std::string(c.wire)) << c.content;
    EXPECT_EQ(joined(DataSpans(c.content)), c.wire) << c.content;
  }
}

TEST(DotStuffing, IsNotNeededForOrdinaryContent) {
  EXPECT_FALSE(needs_dot_stuffing(""));
  EXPECT_FALSE(needs_dot_stuffing("a.\r\nb.c\r\n"));
  EXPECT_TRUE(needs_dot_stuffing("."));
  EXPECT_TRUE(needs_dot_stuffing("a\r\n.b"));
  const std::string ordinary(10'000, 'x');
  const DataSpans data(ordinary);
  ASSERT_EQ(data.spans().size(), 2U);
  EXPECT_EQ(data.spans()[0].data(), ordinary.data());
}

TEST(DotStuffing, FindsADotAtEveryOffset) {
  for (std::size_t offset = 0; offset < 1200; ++offset) {
    const std::string text = std::string(offset, 'x') + "\r\n.\r\n";
    ASSERT_TRUE(needs_dot_stuffing(text)) << offset;
    ASSERT_EQ(received(joined(DataSpans(text))), text) << offset;
  }
}

TEST(DotStuffing, SurvivesAnyNumberOfDots) {
  std::string text;
  for (int lines = 0; lines < 40; ++lines) {
    text += "..\r\n";
    EXPECT_EQ(received(joined(DataSpans(text))), text);
    EXPECT_EQ(received(joined(DataSpans("x\r\n" + text))), "x\r\n" + text);
  }
}

TEST(StrictLines, RefuseLoneCrLfAndNulWhereverTheyStand) {
  for (const std::string_view good : {"", "a", "a\r\n", "\r\n\r\n", "a\r\nb"})
    EXPECT_TRUE(has_strict_lines(good)) << good;
  for (const std::string_view bad :
       {"\n", "\r", "a\nb", "a\rb", "a\r\r\n", "a\r\n\n", "\n\r", "a\r\n\r"})
    EXPECT_FALSE(has_strict_lines(bad)) << bad;
  EXPECT_FALSE(has_strict_lines(std::string_view("a\0b", 3)));
  EXPECT_FALSE(has_strict_lines(std::string_view("\0", 1)));
  for (std::size_t offset = 0; offset < 1100; ++offset) {
    const std::string before(offset, 'x');
    ASSERT_TRUE(has_strict_lines(before + "\r\nx")) << offset;
    ASSERT_FALSE(has_strict_lines(before + "\nx")) << offset;
    ASSERT_FALSE(has_strict_lines(before + "\rx")) << offset;
    ASSERT_FALSE(has_strict_lines(before + '\0' + "x")) << offset;
  }
}

}  // namespace
}  // namespace mailweir
