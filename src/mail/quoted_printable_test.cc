#include "mail/quoted_printable.h"

#include <gtest/gtest.h>

namespace mailweir {
namespace {

// What a mail program makes of it (RFC 2045 section 6.7).
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      out.push_back(text[i]);
    } else if (text.substr(i + 1, 2) == "\r\n") {
      i += 2;
    } else {
      out.push_back(static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16)));
      i += 2;
    }
  }
  return out;
}

void expect_round_trip(std::string_view text) {
  const std::string encoded = encode_quoted_printable(text);
  EXPECT_EQ(decoded(encoded), text);
  std::string_view rest = encoded;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    EXPECT_LE(line.size(), 76U);
    EXPECT_FALSE(line.starts_with('.')) << line;
    EXPECT_FALSE(line.ends_with(' ') || line.ends_with('\t')) << line;
    for (const char c : line) EXPECT_TRUE((c >= ' ' && c <= '~') || c == '\t');
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
}

TEST(QuotedPrintable, KeepsPlainTextReadable) {
  EXPECT_EQ(encode_quoted_printable("Hello, world.\r\n"), "Hello, world.\r\n");
  EXPECT_EQ(encode_quoted_printable("a=b é\r\n"), "a=3Db =C3=A9\r\n");
  EXPECT_EQ(encode_quoted_printable(""), "");
}

TEST(QuotedPrintable, EncodesWhatServersTouch) {
  EXPECT_EQ(encode_quoted_printable(".\r\n..a\r\nFrom x\r\n"), "=2E\r\n=2E.a\r\n=46rom x\r\n");
  EXPECT_EQ(encode_quoted_printable("a \r\nb\t\r\n"), "a=20\r\nb=09\r\n");
  EXPECT_EQ(encode_quoted_printable("a\rb\nc"), "a=0Db=0Ac");
}

TEST(QuotedPrintable, RoundTripsWithinItsLines) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  expect_round_trip(all);
  for (std::size_t size = 70; size < 160; ++size) {
    expect_round_trip(std::string(size, 'x'));
    expect_round_trip(std::string(size, 'x') + "\r\n");
    expect_round_trip(std::string(size, '.') + "\r\n");
    expect_round_trip(std::string(size, ' ') + "\r\n");
    expect_round_trip(std::string(size, 'x') + "\xFF\r\n");
    expect_round_trip(std::string(size, 'x') + ".\xFF");
  }
}

}  // namespace
}  // namespace mailweir
