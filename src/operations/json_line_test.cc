#include "operations/json_line.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mailweir::operations {
namespace {

using nlohmann::json;
using std::chrono::microseconds;

template <class Value>
json round_trip(const Value& value) {
  JsonLine line;
  line.begin();
  line.field("v", value);
  return json::parse(line.end()).at("v");
}

TEST(JsonLine, StringsSurvive) {
  for (const std::string text : {"", "plain", "quote \" and \\ backslash", "a\nb\r\tc",
                                 "umlaut \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x93\xA7"}) {
    EXPECT_EQ(round_trip(std::string_view(text)), text);
  }
}

TEST(JsonLine, EveryByteMakesValidJson) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = std::string("a") + static_cast<char>(byte) + "b";
    const std::string expected = byte < 0x80 ? text
                                             : "a\xEF\xBF\xBD"
                                               "b";
    EXPECT_EQ(round_trip(std::string_view(text)), expected) << byte;
  }
}

TEST(JsonLine, BrokenUtf8IsReplaced) {
  // Overlong, surrogate, above U+10FFFF, cut off.
  for (const std::string text : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82"}) {
    const std::string seen = round_trip(std::string_view(text));
    EXPECT_FALSE(seen.empty());
    EXPECT_EQ(seen.find_first_not_of("\xEF\xBF\xBD"), std::string::npos);
  }
}

TEST(JsonLine, TimesAreRfc3339WithMilliseconds) {
  JsonLine line;
  const auto render = [&](std::int64_t us) {
    line.begin();
    line.field("v", UnixTime(microseconds(us)));
    return json::parse(line.end()).at("v").get<std::string>();
  };
  EXPECT_EQ(render(1'763'800'873'123'999), "2025-11-22T08:41:13.123Z");
  EXPECT_EQ(render(1'763'800'873'007'000), "2025-11-22T08:41:13.007Z");
  EXPECT_EQ(render(1'763'800'874'000'000), "2025-11-22T08:41:14.000Z");
  EXPECT_EQ(render(-1'000), "1969-12-31T23:59:59.999Z");
}

TEST(JsonLine, MillisecondsKeepATenthWhileSmall) {
  JsonLine line;
  const auto render = [&](std::int64_t us) {
    line.begin();
    line.milliseconds_field("v", microseconds(us));
    return std::string(line.end());
  };
  EXPECT_EQ(render(0), "{\"v\":0}\n");
  EXPECT_EQ(render(340), "{\"v\":0.3}\n");
  EXPECT_EQ(render(9'950), "{\"v\":9.9}\n");
  EXPECT_EQ(render(2'050), "{\"v\":2}\n");
  EXPECT_EQ(render(123'456), "{\"v\":123}\n");
  EXPECT_EQ(render(-5), "{\"v\":0}\n");
}

TEST(JsonLine, NestsArraysAndObjects) {
  JsonLine line;
  line.begin();
  line.field("a", true);
  line.begin_array("b");
  line.element("x");
  line.element("y");
  line.end_array();
  line.begin_object("c");
  line.field("n", std::uint64_t{18'446'744'073'709'551'615U});
  line.end_object();
  line.begin_array("d");
  line.end_array();
  line.field_if("absent", "");
  EXPECT_EQ(line.end(),
            "{\"a\":true,\"b\":[\"x\",\"y\"],\"c\":{\"n\":18446744073709551615},\"d\":[]}\n");
}

}  // namespace
}  // namespace mailweir::operations
