#include "provider/phrase_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace mailweir::provider {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::set<std::string> found(const std::vector<std::string>& phrases, std::string_view text) {
  PhraseIndex index;
  for (const std::string& phrase : phrases) index.add(phrase);
  index.build();
  std::set<std::string> names;
  index.find(FoldedText(text).view(), [&](PhraseIndex::Id id) { names.insert(phrases[id]); });
  return names;
}

TEST(PhraseIndex, PhrasesStandForWholeWords) {
  EXPECT_THAT(
      found({"rate", "throttl*", "*listed"}, "operate, rate-limited; Throttled. BLACKLISTED"),
      ElementsAre("*listed", "rate", "throttl*"));
  EXPECT_THAT(found({"rate", "list"}, "operate lists"), IsEmpty());
}

TEST(PhraseIndex, OnePhraseMayEndAnother) {
  EXPECT_THAT(found({"too many", "many", "too many connections"}, "Too many connections"),
              ElementsAre("many", "too many", "too many connections"));
}

TEST(PhraseIndex, AHashStandsForADigit) {
  EXPECT_THAT(found({"ofr###_104", "as(#*"}, "slow down. OFR005_104 AS(1430)"),
              ElementsAre("as(#*", "ofr###_104"));
  EXPECT_THAT(found({"ofr###_104"}, "OFR_104 OFRabc_104"), IsEmpty());
}

TEST(PhraseIndex, AddressesAreFound) {
  EXPECT_THAT(found({"<ip>"}, "mail from [192.0.2.1] refused"), ElementsAre("<ip>"));
  EXPECT_THAT(found({"<ip>"}, "mail from [2001:db8::1] refused"), ElementsAre("<ip>"));
  EXPECT_THAT(found({"<ip>"}, "5.7.1 at 10:20:30, version 1.2.3"), IsEmpty());
  EXPECT_THAT(found({"<address>"}, "<ken@example.com>: no"), ElementsAre("<address>"));
  EXPECT_THAT(found({"<address>"}, "5 @ 3"), IsEmpty());
}

TEST(FoldedText, CapitalsBeyondAsciiAreFolded) {
  EXPECT_EQ(FoldedText("DÉPASSÉ Über İstanbul").view(), " dépassé über istanbul ");
  EXPECT_EQ(FoldedText("ŁÓDŹ Ż Š Ÿ").view(), " łódź ż š ÿ ");
  EXPECT_EQ(FoldedText("ПРЕВЫШЕН ЁЖ Ωμέγα").view(), " превышен ёж ωμέγα ");
}

TEST(FoldedText, FullWidthLettersAndTypographicMarksBecomePlain) {
  EXPECT_EQ(FoldedText("ＩＰ　アドレス　１２").view(), " ip アドレス 12 ");
  EXPECT_EQ(FoldedText("recipient’s\u00a0\u00a0list").view(), " recipient's list ");
}

TEST(FoldedText, WhatIsNoUtf8StandsForItself) {
  EXPECT_EQ(FoldedText("a \xc3").view(), " a \xc3 ");
  EXPECT_EQ(FoldedText("\xff\xe3\x80 \xd0").view(), " \xff\xe3\x80 \xd0 ");
}

TEST(FoldedText, LinesAreJoinedAndTheRepeatedStatusDropped) {
  EXPECT_EQ(FoldedText("4.7.0  Our\n4.7.0 E-Mail\r\n5 x").view(), " 4.7.0 our email 5 x ");
}

TEST(FoldedText, TheWordsOfAMailAddressSayNothing) {
  EXPECT_EQ(FoldedText("<Ken@rbl.example>: no (a.b@spam.example:blocked)").view(),
            " <<address>>: no (<address>:blocked) ");
  EXPECT_EQ(FoldedText("5 @ 3 a@ @b").view(), " 5 @ 3 a@ @b ");
}

TEST(FoldedText, LongTextsAreCut) {
  EXPECT_LE(FoldedText(std::string(5000, 'a')).view().size(), folded_bytes_max);
}

TEST(Phrase, FlawsAreNamed) {
  for (const char* flawed : {"Rate", "rate.", "two  spaces", " rate", "e-mail", "a*b", "#"})
    EXPECT_FALSE(phrase_flaw(flawed).empty()) << flawed;
  for (const char* good : {"rate", "throttl*", "*listed", "s77##", "<ip>", "拒否"})
    EXPECT_TRUE(phrase_flaw(good).empty()) << good << phrase_flaw(good);
}

}  // namespace
}  // namespace mailweir::provider
