#include "diagnosis/explain.h"

#include <gmock/gmock.h>

namespace mailweir::diagnosis {
namespace {

Finding blocked() {
  Finding finding{.cause = Cause::ip_blocked, .source = 3, .provider = 1};
  finding.evidence = {.accused = {0, 5}, .other_sources = {41, 0}, .other_providers = {17, 0}};
  return finding;
}

TEST(Explain, ABlockIsShownBesideTheSiblings) {
  EXPECT_EQ(explain(blocked(), {.source = "mx3", .provider = "google"}, Language::english),
            "google is silent to mx3 alone (connect: no reply): mx3 reached google 0 of 5; other "
            "sources 41 of 41; mx3 elsewhere 17 of 17");
}

TEST(Explain, ABlockIsShownInJapanese) {
  EXPECT_EQ(explain(blocked(), {.source = "mx3", .provider = "google"}, Language::japanese),
            "googleはmx3にだけ応答しない (connect: 応答なし): mx3→googleの到達 5件中0件; "
            "他の送信元 41件中41件; mx3から他へは 17件中17件");
}

TEST(Explain, ASourceThatSentNowhereElseIsNotCleared) {
  Finding finding = blocked();
  finding.evidence.other_providers = {};
  EXPECT_THAT(explain(finding, {.source = "mx3", .provider = "google"}, Language::english),
              testing::EndsWith("mx3 sent nowhere else, so its own way out is not ruled out"));
}

TEST(Explain, EveryCauseHasASentenceInBothLanguages) {
  for (const Cause cause : {Cause::ip_blocked, Cause::provider_down, Cause::host_down,
                            Cause::egress_down, Cause::dns_trouble}) {
    Finding finding{.cause = cause, .source = 1, .provider = 2, .host = 3};
    finding.evidence.accused = {1, 9};
    const Names names{.source = "mx1", .provider = "yahoo", .host = "mta5"};
    EXPECT_THAT(explain(finding, names, Language::english), testing::HasSubstr("1 of 10"));
    EXPECT_THAT(explain(finding, names, Language::japanese), testing::HasSubstr("10件中1件"));
  }
}

TEST(Explain, TheWayOutOfAllNamesNoSource) {
  Finding finding{.cause = Cause::egress_down};
  finding.evidence.accused = {0, 25};
  EXPECT_EQ(explain(finding, {}, Language::english),
            "none of our sources reaches anybody: our own way out is down (connect: no reply): "
            "reached 0 of 25");
}

}  // namespace
}  // namespace mailweir::diagnosis
