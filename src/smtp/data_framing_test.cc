#include "smtp/data_framing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smtp/corpus.h"

namespace mailweir::smtp {
namespace {

struct Decoded {
  std::string content;
  std::size_t consumed = 0;
  bool is_complete = false;
  std::optional<DataFault> fault;
};

constexpr DataLimits generous{.size_max = 1 << 20};

// Feeds the pieces until one holds the end.
Decoded decode(const std::vector<std::string_view>& pieces, DataLimits limits = generous) {
  DataFraming framing(limits);
  Decoded decoded;
  for (const auto piece : pieces) {
    const auto step = framing.decode(piece, decoded.content);
    decoded.consumed += step.consumed;
    decoded.is_complete = step.is_complete;
    if (step.is_complete) break;
    EXPECT_EQ(step.consumed, piece.size());
  }
  EXPECT_EQ(framing.octets(), decoded.consumed);
  decoded.fault = framing.fault();
  return decoded;
}

std::vector<std::string_view> one_by_one(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (std::size_t i = 0; i < text.size(); ++i) pieces.push_back(text.substr(i, 1));
  return pieces;
}

// The same written the slow and obvious way, on the whole input.
Decoded reference(const std::string& input) {
  const std::string framed = "\r\n" + input;
  Decoded expected;
  const auto end = framed.find("\r\n.\r\n");
  expected.is_complete = end != std::string::npos;
  expected.consumed = expected.is_complete ? end + 3 : input.size();
  for (std::size_t i = 2; i < expected.consumed + 2; ++i) {
    const bool may_continue = i + 1 < framed.size();
    if (framed[i] == '\r' && may_continue && framed[i + 1] != '\n')
      expected.fault = DataFault::bare_carriage_return;
    if (framed[i] == '\n' && framed[i - 1] != '\r') expected.fault = DataFault::bare_line_feed;
    if (expected.fault) return expected;
    const bool starts_line = framed[i - 1] == '\n';
    if (!(starts_line && framed[i] == '.')) expected.content += framed[i];
  }
  if (expected.is_complete) {
    expected.content.resize(expected.content.size() - 2);  // the CRLF behind the final dot
  } else if (expected.content.ends_with('\r')) {
    expected.content.pop_back();  // not yet known to end a line
  }
  return expected;
}

TEST(DataFraming, AgreesWithTheObviousReadingOnEveryShortInput) {
  constexpr std::string_view alphabet = "\r\n.x";
  constexpr std::size_t length = 8;
  for (std::size_t number = 0; number < std::size_t{1} << (2 * length); ++number) {
    std::string input;
    for (std::size_t i = 0; i < length; ++i) input += alphabet[(number >> (2 * i)) & 3];
    const auto expected = reference(input);
    for (const auto& got : {decode({input}), decode(one_by_one(input))}) {
      ASSERT_EQ(got.is_complete, expected.is_complete) << testing::PrintToString(input);
      ASSERT_EQ(got.consumed, expected.consumed) << testing::PrintToString(input);
      ASSERT_EQ(got.fault, expected.fault) << testing::PrintToString(input);
      if (!expected.fault) {
        ASSERT_EQ(got.content, expected.content) << testing::PrintToString(input);
      }
    }
  }
}

TEST(DataFraming, NoSmugglingVectorEndsTheContentHoweverItIsCut) {
  for (const auto& vector : read_corpus("smuggling.txt")) {
    const auto stream = smuggling_stream(vector.octets);
    const std::string_view view = stream;
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
      const auto got = decode({view.substr(0, cut), view.substr(cut)});
      ASSERT_TRUE(got.is_complete) << vector.name << " cut at " << cut;
      ASSERT_EQ(got.consumed, stream.size()) << vector.name << " cut at " << cut;
      ASSERT_EQ(got.fault.has_value(), vector.outcome == "refused")
          << vector.name << " cut at " << cut;
    }
  }
}

TEST(DataFraming, LeavesWhatStandsBehindTheEnd) {
  const auto got = decode({"a\r\n.\r\nMAIL FROM:<>\r\n"});
  EXPECT_TRUE(got.is_complete);
  EXPECT_EQ(got.consumed, 6u);
  EXPECT_EQ(got.content, "a\r\n");
}

TEST(DataFraming, EmptyContentEndsAtOnce) {
  const auto got = decode({".\r\n"});
  EXPECT_TRUE(got.is_complete);
  EXPECT_FALSE(got.fault);
  EXPECT_EQ(got.content, "");
}

TEST(DataFraming, UnstuffsDots) {
  EXPECT_EQ(decode({"..\r\n...x\r\n.y\r\na.\r\n.\r\n"}).content, ".\r\n..x\r\ny\r\na.\r\n");
}

TEST(DataFraming, RefusesNulWhereverItStands) {
  using namespace std::string_view_literals;
  EXPECT_EQ(decode({"a\0b\r\n.\r\n"sv}).fault, DataFault::nul);
  EXPECT_EQ(decode({"\0\r\n.\r\n"sv}).fault, DataFault::nul);
  EXPECT_EQ(decode({".\0\r\n.\r\n"sv}).fault, DataFault::nul);
  EXPECT_FALSE(decode({"a\r\n.\r\n\0"sv}).fault);  // behind the end
}

TEST(DataFraming, LineLimitCountsWhatTheLineHoldsWithoutStuffing) {
  const std::string line(998, 'x');
  EXPECT_FALSE(decode({line + "\r\n.\r\n"}).fault);
  EXPECT_FALSE(decode({"." + line + "\r\n.\r\n"}).fault);
  EXPECT_EQ(decode({line + "x\r\n.\r\n"}).fault, DataFault::line_too_long);
  const std::string stuffed = "..x" + line + "\r\n.\r\n";
  EXPECT_EQ(decode({stuffed}).fault, DataFault::line_too_long);
  for (const std::size_t cut : {1u, 500u, 998u, 999u, 1000u}) {
    const std::string fits = line + "\r\n.\r\n";
    EXPECT_FALSE(
        decode({std::string_view(fits).substr(0, cut), std::string_view(fits).substr(cut)}).fault)
        << cut;
    const std::string over = "x" + fits;
    EXPECT_EQ(
        decode({std::string_view(over).substr(0, cut), std::string_view(over).substr(cut)}).fault,
        DataFault::line_too_long)
        << cut;
  }
}

TEST(DataFraming, SizeLimitIsExactAndReadsOnToTheEnd) {
  const DataLimits limits{.size_max = 6};
  EXPECT_FALSE(decode({"abcd\r\n.\r\n"}, limits).fault);
  const auto over = decode({"abcde\r\n", "f\r\n.\r\n"}, limits);
  EXPECT_EQ(over.fault, DataFault::too_big);
  EXPECT_TRUE(over.is_complete);
}

TEST(DataFraming, SeesEightBitContent) {
  std::string content;
  DataFraming ascii(generous);
  ascii.decode("caf\x7f\r\n.\r\n", content);
  EXPECT_FALSE(ascii.has_eight_bit());
  DataFraming eight_bit(generous);
  eight_bit.decode("caf\xc3\xa9\r\n.\r\n", content);
  EXPECT_TRUE(eight_bit.has_eight_bit());
}

TEST(DataFraming, NormalizingTurnsBareLineFeedsIntoLineEndsThatEndNothing) {
  const DataLimits limits{.size_max = 1 << 20, .normalizes_line_feed = true};
  for (const auto& [input, content] : std::vector<std::pair<std::string, std::string>>{
           {"a\nb\r\n.\r\n", "a\r\nb\r\n"},
           {"a\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
           {"a\n.\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
           {"a\r\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
           {"a\n..b\r\n.\r\n", "a\r\n.b\r\n"},
           {"a\n.b\r\n.\r\n", "a\r\n.b\r\n"},
           {"\n\n\r\n.\r\n", "\r\n\r\n\r\n"},
       }) {
    for (const auto& got : {decode({input}, limits), decode(one_by_one(input), limits)}) {
      EXPECT_TRUE(got.is_complete) << testing::PrintToString(input);
      EXPECT_FALSE(got.fault) << testing::PrintToString(input);
      EXPECT_EQ(got.content, content) << testing::PrintToString(input);
      EXPECT_EQ(got.consumed, input.size()) << testing::PrintToString(input);
    }
  }
  EXPECT_EQ(decode({"a\rb\r\n.\r\n"}, limits).fault, DataFault::bare_carriage_return);
}

}  // namespace
}  // namespace mailweir::smtp
