#include "relay/kept_paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailweir::relay {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const UnixTime noon{std::chrono::seconds(1'763'812'800)};

KeptHand full_hand() {
  KeptHand kept;
  kept.hand.id = 12;
  kept.hand.action = engine::PathHand::Action::cap;
  kept.hand.source = "mx1";
  kept.hand.provider = "ms365";
  kept.hand.rate = Rate{50'000, std::chrono::days(1)};
  kept.hand.connections = 5;
  kept.hand.reason = "they called";
  kept.hand.by = "uid 0";
  kept.until = noon + 2h;
  return kept;
}

TEST(KeptPaths, AnImageComesBackWithItsNames) {
  const auto entry =
      to_entry(engine::KeepPath{"mx/1%", "127.0.0.1:25", std::string("\0x", 2)}, noon);
  EXPECT_EQ(entry.key, "path/mx%2F1%25/127.0.0.1:25");
  const auto kept = read_kept_path(entry.key, entry.value);
  ASSERT_TRUE(kept) << kept.error().context;
  EXPECT_EQ(kept->source, "mx/1%");
  EXPECT_EQ(kept->provider, "127.0.0.1:25");
  EXPECT_EQ(kept->saved, noon);
  EXPECT_EQ(kept->image, std::string("\0x", 2));
}

TEST(KeptPaths, AnEmptyImageErases) {
  EXPECT_TRUE(to_entry(engine::KeepPath{"mx1", "ms365", ""}, noon).value.empty());
}

TEST(KeptPaths, AHandComesBackWhole) {
  const KeptHand given = full_hand();
  const auto entry = to_entry(given);
  EXPECT_EQ(entry.key, "hand/12");
  const auto kept = read_kept_hand(entry.key, entry.value);
  ASSERT_TRUE(kept) << kept.error().context;
  EXPECT_EQ(kept->hand.id, 12U);
  EXPECT_EQ(kept->hand.action, engine::PathHand::Action::cap);
  EXPECT_EQ(kept->hand.source, "mx1");
  EXPECT_EQ(kept->hand.provider, "ms365");
  EXPECT_EQ(kept->hand.rate, given.hand.rate);
  EXPECT_EQ(kept->hand.connections, 5U);
  EXPECT_EQ(kept->hand.reason, "they called");
  EXPECT_EQ(kept->hand.by, "uid 0");
  EXPECT_EQ(kept->until, noon + 2h);
}

TEST(KeptPaths, AHandThatNamesADomainKeepsTheProviderItIsBoundTo) {
  KeptHand given = full_hand();
  given.hand.provider = "gmail.com";
  given.hand.names_domain = true;
  given.hand.bound = "google";
  const auto entry = to_entry(given);
  const auto kept = read_kept_hand(entry.key, entry.value);
  ASSERT_TRUE(kept) << kept.error().context;
  EXPECT_EQ(kept->hand.provider, "gmail.com");
  EXPECT_TRUE(kept->hand.names_domain);
  EXPECT_EQ(kept->hand.bound, "google");
  EXPECT_FALSE(read_kept_hand("hand/12", to_entry(full_hand()).value)->hand.names_domain);
}

TEST(KeptPaths, AHandThatForgetsComesBackWithItsAction) {
  KeptHand given = full_hand();
  given.hand.action = engine::PathHand::Action::forget;
  const auto entry = to_entry(given);
  const auto kept = read_kept_hand(entry.key, entry.value);
  ASSERT_TRUE(kept) << kept.error().context;
  EXPECT_EQ(kept->hand.action, engine::PathHand::Action::forget);
}

TEST(KeptPaths, WhatWasForgottenComesBackUnderItsHand) {
  const KeptPath given{"@mx_host mx/1 s1", "127.0.0.1:25", noon - 3h, std::string("\0x", 2)};
  const auto entry = to_forgotten_entry(17, given);
  EXPECT_EQ(entry.key, "forgotten/17/@mx_host mx%2F1 s1/127.0.0.1:25");
  EXPECT_TRUE(entry.key.starts_with(kept_forgotten_prefix_of(17)));
  EXPECT_FALSE(entry.key.starts_with(kept_forgotten_prefix_of(1)));
  EXPECT_EQ(forgotten_id(entry.key), 17U);
  const auto kept = read_forgotten(entry.key, entry.value);
  ASSERT_TRUE(kept) << kept.error().context;
  EXPECT_EQ(kept->source, given.source);
  EXPECT_EQ(kept->provider, given.provider);
  EXPECT_EQ(kept->saved, given.saved);
  EXPECT_EQ(kept->image, given.image);
  for (std::size_t at = 0; at < entry.value.size(); ++at) {
    std::string touched = entry.value;
    touched[at] = static_cast<char>(touched[at] ^ 0x10);
    EXPECT_FALSE(read_forgotten(entry.key, touched)) << at;
    EXPECT_FALSE(read_forgotten(entry.key, entry.value.substr(0, at))) << at;
  }
  EXPECT_FALSE(read_forgotten("forgotten/18/@mx_host mx%2F1 s1/127.0.0.1:25", entry.value));
  for (const char* key : {"forgotten/", "forgotten/17", "forgotten/017/a/b", "forgotten/x/a/b",
                          "forgotten/-1/a/b", "path/17/a/b"})
    EXPECT_EQ(forgotten_id(key), std::nullopt) << key;
}

TEST(KeptPaths, WhatWasTouchedOrBelongsElsewhereIsRefused) {
  const auto entry = to_entry(full_hand());
  for (std::size_t at = 0; at < entry.value.size(); ++at) {
    std::string touched = entry.value;
    touched[at] = static_cast<char>(touched[at] ^ 0x10);
    EXPECT_FALSE(read_kept_hand(entry.key, touched)) << at;
    EXPECT_FALSE(read_kept_hand(entry.key, entry.value.substr(0, at))) << at;
  }
  const auto moved = read_kept_hand("hand/13", entry.value);
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, Errc::corrupt);
  EXPECT_THAT(moved.error().context, HasSubstr("hand/13"));
  EXPECT_FALSE(read_kept_hand("hand/012", entry.value));
  const auto path = to_entry(engine::KeepPath{"mx1", "ms365", "image"}, noon);
  EXPECT_FALSE(read_kept_path("path/mx2/ms365", path.value));
  EXPECT_FALSE(read_kept_path("path/mx1", path.value));
  EXPECT_FALSE(read_kept_path("path/mx1/%41", path.value));
}

TEST(KeptPaths, AWallClockThatJumpedMakesNoAge) {
  EXPECT_EQ(age_of(noon, noon + 90s), Duration(90s));
  EXPECT_EQ(age_of(noon + 1h, noon), Duration{});
  EXPECT_EQ(age_of(UnixTime::min(), noon), kept_age_max);
  EXPECT_EQ(age_of(UnixTime::max(), noon), Duration{});
  EXPECT_EQ(age_of(UnixTime{}, noon), kept_age_max);
}

}  // namespace
}  // namespace mailweir::relay
