#include "provider/catalogue.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "provider/mx_pattern.h"
#include "provider/provider_file.h"

namespace mailweir::provider {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string key_of(const std::vector<std::string_view>& hosts) {
  const ProviderEntry* entry = Catalogue::embedded().match(hosts);
  return entry == nullptr ? "" : entry->key;
}

TEST(MxPattern, StarStandsForOneOrMoreLabels) {
  EXPECT_TRUE(mx_pattern_matches("*.example.net", "a.example.net"));
  EXPECT_TRUE(mx_pattern_matches("*.example.net", "a.b.example.net"));
  EXPECT_FALSE(mx_pattern_matches("*.example.net", "example.net"));
  EXPECT_FALSE(mx_pattern_matches("*.example.net", "badexample.net"));
  EXPECT_FALSE(mx_pattern_matches("*.example.net", "a.example.net.evil.org"));
}

TEST(MxPattern, MarkStandsForOneCharacterOtherThanADot) {
  EXPECT_TRUE(mx_pattern_matches("mx?.example.net", "mx1.example.net"));
  EXPECT_FALSE(mx_pattern_matches("mx?.example.net", "mx.example.net"));
  EXPECT_FALSE(mx_pattern_matches("mx?.example.net", "mx12.example.net"));
  EXPECT_FALSE(mx_pattern_matches("mx?example.net", "mx.example.net"));
  EXPECT_TRUE(mx_pattern_matches("*.mx?.net", "a.mx1.net"));
}

TEST(MxPattern, FlawsAreNamed) {
  for (const char* flawed : {"", "*.", "a.*.net", "*example.net", "MX.example.net", ".example.net",
                             "example.net.", "*.com"}) {
    EXPECT_FALSE(mx_pattern_flaw(flawed).empty()) << flawed;
  }
  EXPECT_TRUE(mx_pattern_flaw("*.mx.microsoft").empty());
}

TEST(Catalogue, EveryEmbeddedFileParsesAndIsNamedAfterItsKey) {
  ASSERT_GE(embedded_provider_files().size(), 30U);
  for (const ProviderFile& file : embedded_provider_files()) {
    const auto entry = Catalogue::parse(file.text, file.name);
    ASSERT_TRUE(entry.has_value()) << entry.error().context;
    EXPECT_EQ(file.name, "providers/" + entry->key + ".toml");
  }
}

TEST(Catalogue, KnowsTheLargeProviders) {
  EXPECT_EQ(key_of({"contoso-com.mail.protection.outlook.com"}), "ms365");
  EXPECT_EQ(key_of({"contoso-com.a-v1.mx.microsoft"}), "ms365-dane");
  EXPECT_EQ(key_of({"hotmail-com.olc.protection.outlook.com"}), "outlook-consumer");
  EXPECT_EQ(key_of({"gmail-smtp-in.l.google.com", "alt1.gmail-smtp-in.l.google.com"}), "google");
  EXPECT_EQ(key_of({"aspmx.l.google.com", "aspmx2.googlemail.com", "smtp.google.com"}), "google");
  EXPECT_EQ(key_of({"mta5.am0.yahoodns.net", "mta6.am0.yahoodns.net"}), "yahoo");
  EXPECT_EQ(key_of({"mx01.mail.icloud.com", "mx02.mail.icloud.com"}), "apple");
  EXPECT_EQ(key_of({"mx00.t-online.de"}), "t-online");
  EXPECT_EQ(key_of({"mx00.emig.gmx.net", "mx01.emig.gmx.net"}), "gmx");
}

TEST(Catalogue, OneForeignHostMeansNotTheirs) {
  EXPECT_EQ(key_of({"aspmx.l.google.com", "mx.example.org"}), "");
  EXPECT_EQ(key_of({"aspmx.l.google.com", "mta5.am0.yahoodns.net"}), "");
}

TEST(Catalogue, NamesAreComparedWithoutCaseAndTrailingDot) {
  EXPECT_EQ(key_of({"ASPMX.L.Google.COM."}), "google");
}

TEST(Catalogue, NoHostsBelongToNobody) {
  EXPECT_EQ(key_of({}), "");
}

// A host that matches a pattern of one provider, made from the pattern itself.
std::string sample_of(std::string pattern) {
  if (pattern.starts_with("*.")) pattern.replace(0, 1, "sample");
  std::replace(pattern.begin(), pattern.end(), '?', '1');
  return pattern;
}

TEST(Catalogue, NoHostIsClaimedTwice) {
  for (const ProviderEntry& entry : Catalogue::embedded().entries()) {
    for (const std::string& pattern : entry.mx_patterns) {
      const std::string host = sample_of(pattern);
      for (const ProviderEntry& other : Catalogue::embedded().entries()) {
        if (other.key == entry.key) continue;
        for (const std::string& foreign : other.mx_patterns) {
          EXPECT_FALSE(mx_pattern_matches(foreign, host))
              << host << " by " << entry.key << " and " << other.key;
        }
      }
    }
  }
}

struct BadFile {
  const char* text;
  const char* where;
  const char* cause;
};

TEST(ProviderFile, ErrorsNamePlaceExcerptAndRemedy) {
  const BadFile cases[] = {
      {"key = \"a\"\nname = \"A\"\nmxs = [\"*.a.net\"]\n", "p.toml:3:1", "unknown key \"mxs\""},
      {"key = \"a\"\nname = \n", "p.toml:2:8", ""},
      {"key = \"A b\"\nname = \"A\"\nmx = [\"*.a.net\"]\n", "p.toml:1:7",
       "cannot be a provider's key"},
      {"key = \"a\"\nname = \"A\"\nmx = [\"*.a.net\", \"b.*\"]\n", "p.toml:3:18", "no pattern"},
      {"key = \"a\"\nname = \"A\"\nmx = \"*.a.net\"\n", "p.toml:3:6", "must be a list"},
      {"key = \"a\"\nmx = [\"*.a.net\"]\n", "p.toml:1:1", "\"name\" is missing"},
      {"key = 3\nname = \"A\"\nmx = [\"*.a.net\"]\n", "p.toml:1:7", "must be a text"},
  };
  for (const BadFile& bad : cases) {
    const auto entry = Catalogue::parse(bad.text, "p.toml");
    ASSERT_FALSE(entry.has_value()) << bad.text;
    EXPECT_EQ(entry.error().code, Errc::invalid_argument);
    EXPECT_THAT(entry.error().context, HasSubstr(bad.where));
    EXPECT_THAT(entry.error().context, HasSubstr(bad.cause));
    EXPECT_THAT(entry.error().context, HasSubstr("^"));
  }
}

constexpr std::string_view head = "key = \"a\"\nname = \"A\"\nmx = [\"*.a.net\"]\n";
constexpr std::string_view rule_head =
    "[[rule]]\nname = \"r\"\ncategory = \"mailbox\"\nscope = \"recipient\"\n";

TEST(ProviderFile, RulesShareListsOfWords) {
  const auto entry = Catalogue::parse(
      fmt::format("{}[words]\nbox = [\"mailbox\", \"inbox\"]\n{}phrase = [\"full\", \"{{box}}\"]\n"
                  "without = \"{{box}}\"\n",
                  head, rule_head),
      "p.toml");
  ASSERT_TRUE(entry.has_value()) << entry.error().context;
  EXPECT_THAT(entry->rules.at(0).phrases, ElementsAre("full", "mailbox", "inbox"));
  EXPECT_THAT(entry->rules.at(0).without, ElementsAre("mailbox", "inbox"));
}

TEST(ProviderFile, AListOfWordsThatIsNotThereIsRefused) {
  const auto entry =
      Catalogue::parse(fmt::format("{}{}phrase = \"{{box}}\"\n", head, rule_head), "p.toml");
  ASSERT_FALSE(entry.has_value());
  EXPECT_THAT(entry.error().context, HasSubstr("there is no list {box}"));
}

TEST(ProviderFile, APhraseInAListOfWordsMustBeOne) {
  const auto entry =
      Catalogue::parse(fmt::format("{}[words]\nbox = \"Mailbox\"\n", head), "p.toml");
  ASSERT_FALSE(entry.has_value());
  EXPECT_THAT(entry.error().context, HasSubstr("p.toml:5:"));
  EXPECT_THAT(entry.error().context, HasSubstr("lower case"));
}

TEST(ProviderFile, TheExcerptShowsTheLine) {
  const auto entry =
      Catalogue::parse("key = \"a\"\nname = \"A\"\ncolour = 1\nmx = [\"*.a.net\"]\n", "p.toml");
  ASSERT_FALSE(entry.has_value());
  EXPECT_EQ(entry.error().context,
            "p.toml:3:1: unknown key \"colour\"\n  3 | colour = 1\n    | ^\n"
            "the keys of a provider are key, name, mx, also, trailers, limits, words, rule");
}

}  // namespace
}  // namespace mailweir::provider
