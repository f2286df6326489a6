#include "provider/unknown_refusals.h"

#include <gtest/gtest.h>

#include "provider/reply_text.h"

namespace mailweir::provider {
namespace {

Reply reply_of(std::string_view text) {
  return *parse_reply_text(text);
}

UnixTime at(int second) {
  return UnixTime(std::chrono::seconds(second));
}

TEST(MaskedText, WhatDiffersFromReplyToReplyIsMasked) {
  EXPECT_EQ(masked_text(reply_of("550 5.7.1 no, [192.0.2.1] <ken@example.com> id A1B2C3D4E5F6 x9")),
            "550 #.#.# no, [<ip>] <<address>> id # x#");
  EXPECT_LE(masked_text(reply_of("550 " + std::string(3000, 'a'))).size(), 160U);
}

TEST(UnknownRefusals, LikeTextsAreOneEntry) {
  UnknownRefusals unknown;
  unknown.add("google", reply_of("450 odd thing 17"), at(1));
  unknown.add("google", reply_of("450 odd thing 18"), at(5));
  unknown.add("yahoo", reply_of("450 odd thing 18"), at(6));
  const auto entries = unknown.entries();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].provider, "google");
  EXPECT_EQ(entries[0].count, 2U);
  EXPECT_EQ(entries[0].sample, "450 odd thing 17");
  EXPECT_EQ(entries[0].first_seen, at(1));
  EXPECT_EQ(entries[0].last_seen, at(5));
  EXPECT_EQ(unknown.total(), 3U);
}

TEST(UnknownRefusals, MemoryIsBoundedAndTheFrequentStay) {
  UnknownRefusals unknown;
  for (int n = 0; n < 600; ++n) {
    unknown.add("p", reply_of("450 often"), at(n));
    std::string word;
    for (int rest = n; rest > 0; rest /= 26) word += static_cast<char>('a' + rest % 26);
    unknown.add("p", reply_of("450 rare " + word), at(n));
  }
  const auto entries = unknown.entries();
  EXPECT_EQ(entries.size(), UnknownRefusals::entries_max);
  EXPECT_EQ(entries[0].text, "450 often");
  EXPECT_EQ(entries[0].count, 600U);
}

}  // namespace
}  // namespace mailweir::provider
