#include "mail/xtext.h"

#include <gtest/gtest.h>

namespace mailweir {
namespace {

TEST(Xtext, EncodesWhatMustBe) {
  EXPECT_EQ(encode_xtext("a+b=c d\r\n\x7F\xFF"), "a+2Bb+3Dc+20d+0D+0A+7F+FF");
  EXPECT_EQ(encode_xtext("user@example.com;x\\"), "user@example.com;x\\");
  EXPECT_EQ(encode_xtext(""), "");
}

TEST(Xtext, RoundTripsEveryOctet) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  EXPECT_EQ(decode_xtext(encode_xtext(all)).value(), all);
  EXPECT_EQ(decode_xtext("a+2bb").value(), "a+b");
}

TEST(Xtext, RefusesWhatIsNot) {
  for (const char* bad :
       {"+", "+2", "a+", "a+4", "+GG", "+ 1", "a b", "a=b", "a\r\nb", "\x80", "\t"}) {
    EXPECT_FALSE(decode_xtext(bad)) << bad;
  }
}

TEST(Utf8Address, HasASevenBitForm) {
  EXPECT_EQ(encode_utf8_address("用户+a@例え.jp"),
            "\\x{7528}\\x{6237}\\x{2B}a@\\x{4F8B}\\x{3048}.jp");
  EXPECT_EQ(encode_utf8_address("a\\ =\r\n"), "a\\x{5C}\\x{20}\\x{3D}\\x{0D}\\x{0A}");
  EXPECT_EQ(encode_utf8_address("a\xFFz"), "a\\x{FFFD}z");
  for (const char* address :
       {"用户+a@例え.jp", "😀@example.com", "é@ü.example", "plain@example.com", "back\\slash@b"}) {
    EXPECT_EQ(decode_utf8_address(encode_utf8_address(address)).value(), address);
  }
}

TEST(Utf8Address, IsDecodedFromRawUtf8Too) {
  EXPECT_EQ(decode_utf8_address("用\\x{6237}@b").value(), "用户@b");
  for (const char* bad : {"\\", "\\x", "\\x{", "\\x{}", "\\x{4}", "\\x{41", "\\x{110000}",
                          "\\x{D800}", "\\x{1234567}", "a+b", "a b", "\xFF", "\\y{41}"}) {
    EXPECT_FALSE(decode_utf8_address(bad)) << bad;
  }
}

TEST(OriginalRecipient, IsDecodedByItsType) {
  EXPECT_EQ(parse_original_recipient("rfc822;a+2Bb@example.com").value(),
            (OriginalRecipient{"rfc822", "a+b@example.com"}));
  EXPECT_EQ(parse_original_recipient("UTF-8;\\x{7528}@b").value(),
            (OriginalRecipient{"UTF-8", "用@b"}));
  EXPECT_EQ(parse_original_recipient("utf-8;用@b", AddressCharset::utf8).value(),
            (OriginalRecipient{"utf-8", "用@b"}));
}

TEST(OriginalRecipient, RefusesHostileText) {
  const std::string long_one = "rfc822;" + std::string(494, 'a');
  for (const std::string& bad :
       {std::string(""), std::string("rfc822"), std::string("rfc822;"), std::string(";a@b"),
        std::string("rf c;a@b"), std::string("rfc822;a+0D+0ABcc:x@b"), std::string("rfc822;a+00@b"),
        std::string("rfc822;a+FF@b"), std::string("utf-8;\\x{0A}@b"),
        std::string("utf-8;\\x{85}@b"), std::string("utf-8;用@b"), std::string("rfc822;a=b@c"),
        long_one}) {
    EXPECT_FALSE(parse_original_recipient(bad)) << bad;
  }
  EXPECT_FALSE(parse_original_recipient("rfc822;用@b", AddressCharset::utf8));
}

TEST(EnvelopeId, IsPrintableAndShort) {
  EXPECT_EQ(parse_envelope_id("QQ314159+2B").value(), "QQ314159+");
  EXPECT_TRUE(parse_envelope_id(std::string(100, 'a')));
  for (const std::string& bad : {std::string(""), std::string(101, 'a'), std::string("a+0Ab"),
                                 std::string("a+80b"), std::string("a b")}) {
    EXPECT_FALSE(parse_envelope_id(bad)) << bad;
  }
}

}  // namespace
}  // namespace mailweir
