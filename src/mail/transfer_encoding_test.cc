#include "mail/transfer_encoding.h"

#include <gtest/gtest.h>

#include "mail/quoted_printable.h"

namespace mailweir {
namespace {

TEST(QuotedPrintableDecoding, UndoesTheEncoding) {
  std::string text;
  for (int octet = 0; octet < 256; ++octet) text.push_back(static_cast<char>(octet));
  text += std::string(200, 'x') + " \r\n.\r\nFrom a = b";
  EXPECT_EQ(decode_quoted_printable(encode_quoted_printable(text)), text);
}

TEST(QuotedPrintableDecoding, JoinsSoftLineBreaksOfAnyKind) {
  EXPECT_EQ(decode_quoted_printable("ken@example.=\r\norg=\nx= \t\r\ny="), "ken@example.orgxy");
  EXPECT_EQ(decode_quoted_printable("caf=c3=A9"), "caf\xC3\xA9");
}

TEST(QuotedPrintableDecoding, KeepsWhatIsNoEncoding) {
  EXPECT_EQ(decode_quoted_printable("a=b =4"), "a=b =4");
  EXPECT_EQ(decode_quoted_printable("==41"), "=A");
}

TEST(Base64Decoding, ReadsAcrossLinesAndForeignOctets) {
  EXPECT_EQ(decode_base64("SGVs\r\nbG8s IHdv\ncmxkLg=="), "Hello, world.");
  EXPECT_EQ(decode_base64("SGVsbG8"), "Hello");
  EXPECT_EQ(decode_base64("S"), "");
  EXPECT_EQ(decode_base64("\xFF!*"), "");
  EXPECT_EQ(decode_base64("/+8="), "\xFF\xEF");
}

TEST(TransferDecoding, FollowsTheField) {
  EXPECT_EQ(decode_transfer("YQ==", " Base64 "), "a");
  EXPECT_EQ(decode_transfer("=61", "QUOTED-PRINTABLE"), "a");
  EXPECT_EQ(decode_transfer("=61", "8bit"), "=61");
  EXPECT_EQ(decode_transfer("YQ==", ""), "YQ==");
}

}  // namespace
}  // namespace mailweir
