#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "base/ids.h"
#include "base/units.h"

namespace mailweir {
namespace {

using namespace std::chrono_literals;

TEST(MessageIdText, RoundTripsAtTheEdges) {
  for (const std::uint64_t value : {0ULL, 1ULL, 31ULL, 32ULL, 0x1234'5678'9ABCULL, ~0ULL}) {
    const auto back = parse_message_id(to_string(MessageId{value}));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->value, value);
  }
}

TEST(MessageIdText, ForgivesCaseAndLookalikes) {
  EXPECT_EQ(parse_message_id("00000000000oi")->value, 1U);
  EXPECT_EQ(parse_message_id("000000000000l")->value, 1U);
  EXPECT_FALSE(parse_message_id("000000000000U"));
  EXPECT_FALSE(parse_message_id("123"));
  EXPECT_FALSE(parse_message_id("ZZZZZZZZZZZZZ"));  // more than 64 bits
}

TEST(Crc32c, MatchesTheStandardVectors) {  // RFC 3720 appendix B.4
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xE3069283U);
}

TEST(Units, ParseWhatOperatorsWrite) {
  EXPECT_EQ(parse_duration("1h30m").value(), Duration(90min));
  EXPECT_EQ(parse_duration("250ms").value(), Duration(250ms));
  EXPECT_EQ(parse_byte_count("50MiB").value().value, 50U << 20);
  EXPECT_EQ(parse_rate("20/min").value(), (Rate{20, Duration(1min)}));
}

TEST(Units, RefuseNumbersWithoutUnitAndOverflow) {
  for (const char* bad :
       {"", "5", "m", "5x", "-5m", "5 m", "99999999999999999d", "9000000000000000000000s"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
  for (const char* bad : {"", "5", "5X", "99999999999GiB"})
    EXPECT_FALSE(parse_byte_count(bad)) << bad;
  for (const char* bad : {"", "20", "20/", "20/year", "/min"}) EXPECT_FALSE(parse_rate(bad)) << bad;
}

TEST(Units, TextParsesBack) {
  for (const char* text : {"250ms", "30s", "5m", "4h", "5d", "0ms"}) {
    EXPECT_EQ(to_string(parse_duration(text).value()), text);
  }
  EXPECT_EQ(to_string(ByteCount{50U << 20}), "50MiB");
  EXPECT_EQ(to_string(Rate{20, Duration(1min)}), "20/min");
}

TEST(Time, PrintsAsTheStandardsAsk) {
  const UnixTime time{Duration(1'590'652'980'123'000)};
  EXPECT_EQ(to_rfc3339(time), "2020-05-28T08:03:00.123Z");
  EXPECT_EQ(to_rfc5322_date(time), "Thu, 28 May 2020 08:03:00 +0000");
}

TEST(Time, ReadsItsOwnTextAndOtherOffsets) {
  const UnixTime time{Duration(1'590'652'980'123'000)};
  EXPECT_EQ(parse_rfc3339("2020-05-28T08:03:00.123Z"), time);
  EXPECT_EQ(parse_rfc3339("2020-05-28T17:03:00.123+09:00"), time);
  EXPECT_EQ(parse_rfc3339("2020-05-28 04:33:00.1230009-03:30"), time);
  EXPECT_EQ(parse_rfc3339("2020-02-29T00:00:00Z"), UnixTime(std::chrono::seconds(1'582'934'400)));
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* bad :
       {"", "2020", "2020-05-28", "2020-05-28T08:03", "2020-05-28T08:03:00", "2021-02-29T00:00:00Z",
        "2020-13-01T00:00:00Z", "2020-05-28T24:00:00Z", "2020-05-28T08:03:00.Z",
        "2020-05-28T08:03:00Zx", "2020-05-28T08:03:00+25:00", "-020-05-28T08:03:00Z"}) {
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
  }
}

}  // namespace
}  // namespace mailweir
