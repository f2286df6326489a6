#include "cli/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailweir::cli {
namespace {

using testing::ElementsAre;

TEST(Printable, LeavesTextAloneAndDisarmsWhatDrivesATerminal) {
  EXPECT_EQ(printable("busy, もう一度 é"), "busy, もう一度 é");
  EXPECT_EQ(printable("a\x1b[2Jb\r\n\t\x7f"), "a\\x1B[2Jb\\x0D\\x0A\\x09\\x7F");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xC2\\x9B31m");  // C1 CSI
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "evil"),
            "\\xE2\\x80\\xAEevil");  // right-to-left override
}

TEST(Printable, ShowsBytesThatAreNoUtf8) {
  EXPECT_EQ(printable("\xff\xe3\x81"), "\\xFF\\xE3\\x81");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xC0\\xAF");           // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xED\\xA0\\x80");  // surrogate
  EXPECT_EQ(printable("\xf5\x80\x80\x80"), "\\xF5\\x80\\x80\\x80");
}

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("延期"), 4U);
  EXPECT_EQ(display_width("が"), 2U);  // か with a combining mark
  EXPECT_EQ(display_width("…→"), 2U);
}

TEST(TextTable, AlignsByColumnsAndEndsLinesWithoutSpaces) {
  TextTable table({{"NAME", Align::left}, {"数", Align::right}, {"NOTE", Align::left}});
  table.add({"延期", "7", ""});
  table.add({"b", "1,204", "x"});
  EXPECT_EQ(table.to_string(),
            "NAME     数  NOTE\n"
            "延期      7\n"
            "b     1,204  x\n");
}

TEST(AgeText, HasTwoUnitsAtMost) {
  EXPECT_EQ(age_text(-3), "0s");
  EXPECT_EQ(age_text(59.9), "59s");
  EXPECT_EQ(age_text(192), "3m12s");
  EXPECT_EQ(age_text(3600), "1h00m");
  EXPECT_EQ(age_text(86'399), "23h59m");
  EXPECT_EQ(age_text(273'600), "3d04h");
}

TEST(CountText, GroupsThousands) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1204), "1,204");
  EXPECT_EQ(count_text(1'000'000), "1,000,000");
}

TEST(SizeText, PicksTheUnitAfterRounding) {
  EXPECT_EQ(size_text(1023), "1023 B");
  EXPECT_EQ(size_text(4096), "4.0 KiB");
  EXPECT_EQ(size_text((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(size_text(1ULL << 40), "1.0 TiB");
}

TEST(TimeText, ReadsLikeAClock) {
  EXPECT_EQ(time_text("2026-09-21T14:10:08.123Z"), "2026-09-21 14:10:08Z");
  EXPECT_EQ(time_text("2026-09-21T14:10:08.123Z", true), "2026-09-21 14:10:08.123Z");
  EXPECT_EQ(time_text("soon"), "soon");
}

TEST(LinesOf, TakesBothLineEnds) {
  EXPECT_THAT(lines_of("a\r\nb\n\nc"), ElementsAre("a", "b", "", "c"));
  EXPECT_THAT(lines_of("a\n"), ElementsAre("a"));
  EXPECT_THAT(lines_of(""), ElementsAre());
}

}  // namespace
}  // namespace mailweir::cli
