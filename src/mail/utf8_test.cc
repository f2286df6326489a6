#include "mail/utf8.h"

#include <gtest/gtest.h>

namespace mailweir {
namespace {

TEST(Utf8, AcceptsEachLength) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8("plain"));
  EXPECT_TRUE(
      is_valid_utf8("\xC2\x80 \xDF\xBF \xE0\xA0\x80 \xED\x9F\xBF \xEF\xBF\xBF \xF0\x90\x80\x80 "
                    "\xF4\x8F\xBF\xBF"));
}

TEST(Utf8, RefusesWhatIsNotShortestSurrogateTooBigOrCut) {
  for (const char* bad :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFF", "\xC2", "\xE3\x81", "\xF0\x9F\x98", "\xE3\x81\x41", "ok\xC3"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << bad;
  }
}

TEST(Utf8, CutsTheFirstCharacter) {
  EXPECT_EQ(first_character("\xE6\x97\xA5\xE6\x9C\xAC").code_point, U'日');
  EXPECT_EQ(first_character("\xE6\x97\xA5\xE6\x9C\xAC").length, 3U);
  EXPECT_EQ(first_character("\xE6\x97").length, 0U);
}

TEST(Utf8, APrefixCutsNoCharacter) {
  const std::string_view text = "a\xe6\x97\xa5";
  EXPECT_EQ(utf8_prefix(text, 4), text);
  EXPECT_EQ(utf8_prefix(text, 3), "a");
  EXPECT_EQ(utf8_prefix(text, 1), "a");
  EXPECT_EQ(utf8_prefix(text, 0), "");
  EXPECT_EQ(utf8_prefix("\x80\x80\x80", 2), "");
}

TEST(Utf8, EscapesControlsAndBrokenOctetsOnly) {
  std::string out;
  append_escaped(out, std::string_view("a\r\n\0\x1B[31m\x7F\xC2\x85\xE2\x80\xA8\xFF日本 \\x", 24));
  EXPECT_EQ(out, "a\\x0D\\x0A\\x00\\x1B[31m\\x7F\\xC2\\x85\\xE2\\x80\\xA8\\xFF日本 \\");
}

}  // namespace
}  // namespace mailweir
