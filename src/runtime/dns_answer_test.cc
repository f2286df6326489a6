#include "runtime/dns_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailweir::runtime {
namespace {

using std::string_literals::operator""s;

TEST(HostName, IsLettersDigitsHyphensAndUnderscores) {
  for (const char* name :
       {"a", "mx.example.com", "1and1.example", "_mx.example", "a-b.c", "x.123a"}) {
    EXPECT_TRUE(is_host_name(name)) << name;
  }
  for (const char* name : {"", ".", "a.", ".a", "a..b", "-a.b", "a-.b", "a b", "a/b",
                           "b\xc3\xb6"
                           "b.de",
                           "10.0.0.1", "mx.123", "a\r\nb"}) {
    EXPECT_FALSE(is_host_name(name)) << name;
  }
}

TEST(HostName, HasLimits) {
  EXPECT_TRUE(is_host_name(std::string(63, 'a') + ".b"));
  EXPECT_FALSE(is_host_name(std::string(64, 'a') + ".b"));
  std::string longest;
  for (int i = 0; i < 126; ++i) longest.append("a.");
  EXPECT_TRUE(is_host_name(longest + "a"));
  EXPECT_FALSE(is_host_name(longest + "ab"));
}

TEST(WireName, IsReadAsLowerCaseText) {
  EXPECT_EQ(read_wire_name("\2Mx\7EXAMPLE\3com\0"s), "mx.example.com");
  EXPECT_EQ(read_wire_name("\0"s), "");
}

TEST(WireName, MalformedOnesAreNone) {
  for (const std::string& wire :
       {""s, "\2mx"s, "\5mx\0"s, "\100x\0"s, "\300\014"s, "\3a.b\0"s, "\3a\0b\0"s, "\2a\n\0"s}) {
    EXPECT_EQ(read_wire_name(wire), std::nullopt);
  }
  std::string endless;
  for (int i = 0; i < 200; ++i) endless.append("\1a");
  EXPECT_EQ(read_wire_name(endless + '\0'), std::nullopt);
}

TEST(MxData, IsPreferenceAndHost) {
  const auto record = read_mx("\1\2\2mx\1a\0"s);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->preference, 258);
  EXPECT_EQ(record->host, "mx.a");
  EXPECT_EQ(read_mx("\0\0\0"s)->host, "");
}

TEST(MxData, AHostNoHostCanHaveIsNone) {
  for (const std::string& data :
       {""s, "\0"s, "\0\12"s, "\0\12\2m/\1a\0"s, "\0\12\1\61\1\62\1\63\1\64\0"s}) {
    EXPECT_EQ(read_mx(data), std::nullopt);
  }
}

TEST(AddressData, IsReadByItsLength) {
  EXPECT_EQ(read_address("\300\0\2\7"s), "192.0.2.7");
  EXPECT_EQ(read_address("\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1"s), "2001:db8::1");
  EXPECT_EQ(read_address("\1\2\3"s), std::nullopt);
}

std::vector<std::string> hosts(std::vector<MxRecord> records) {
  normalize_mx(records);
  std::vector<std::string> names;
  for (const MxRecord& record : records) names.push_back(record.host);
  return names;
}

TEST(NormalizeMx, OrdersAndDropsRepetitions) {
  EXPECT_THAT(hosts({{20, "b"}, {10, "c"}, {10, "a"}, {30, "a"}}),
              ::testing::ElementsAre("a", "c", "b"));
}

TEST(NormalizeMx, TheNullMxStandsAloneOrNotAtAll) {
  EXPECT_THAT(hosts({{0, ""}}), ::testing::ElementsAre(""));
  EXPECT_THAT(hosts({{0, ""}, {10, "a"}}), ::testing::ElementsAre("a"));
}

TEST(NormalizeMx, KeepsTheBestFifty) {
  std::vector<MxRecord> records;
  for (int i = 0; i < 200; ++i) {
    records.push_back({static_cast<std::uint16_t>(200 - i), "h" + std::to_string(i)});
  }
  normalize_mx(records);
  ASSERT_EQ(records.size(), dns_records_max);
  EXPECT_EQ(records.front().host, "h199");
}

}  // namespace
}  // namespace mailweir::runtime
