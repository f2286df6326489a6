#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/nearest_name.h"
#include "config/assignment.h"
#include "config/config_reference.h"
#include "config/diff_config.h"
#include "config/engine_settings.h"
#include "config/load_config.h"
#include "config/show_config.h"

namespace mailweir::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* host = "mx.example.com";

Config parsed(const std::string& text) {
  auto loaded = parse_config({{.name = "c", .text = text}}, host);
  if (loaded) return loaded->config;
  for (const Problem& problem : loaded.error()) ADD_FAILURE() << to_string(problem);
  return default_config(host);
}

std::string file_text(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

const std::string rich = R"(
hostname = "out.example.com"
data_dir = "/srv/\"mail\""
[smtp]
listen = []
[delivery.timeouts]
quit = "1500ms"
[caps]
message_rate = "20/min"
[[caps.for]]
provider = "google"
connections = 3
[[caps.for]]
provider = "google"
source = "b"
message_rate = "unlimited"
[[caps.for]]
source = "b"
messages_per_connection = 7
[[source]]
name = "a"
ipv6 = "2001:db8::1"
[[source]]
name = "b"
[[class]]
name = "notice"
deadline = "5m"
[[route]]
domain = "*"
hosts = ["relay.example.com"]
[[assign]]
client_network = ["192.0.2.0/24"]
tenant = "t"
)";

TEST(ShowConfig, ReadsBackToTheSameConfig) {
  for (const std::string& text :
       {std::string(), rich, file_text(WEIR_SOURCE_DIR "/examples/mailweir.toml")}) {
    const Config config = parsed(text);
    EXPECT_EQ(parsed(show_config(config, Extent::everything, host)), config);
    EXPECT_EQ(parsed(show_config(config, Extent::non_default, host)), config);
  }
}

TEST(ShowConfig, NonDefaultShowsOnlyWhatDiffers) {
  EXPECT_EQ(show_config(default_config(host), Extent::non_default, host), "");
  EXPECT_EQ(
      show_config(
          parsed("data_dir = \"/srv\"\n[caps]\nconnections = 5\nmessages_per_connection = 100\n"),
          Extent::non_default, host),
      "data_dir = \"/srv\"\n\n[caps]\nconnections = 5\n");
  EXPECT_THAT(show_config(parsed("[[source]]\nname = \"a\"\n"), Extent::non_default, host),
              Not(HasSubstr("[[pool]]")));
}

TEST(DiffConfig, SaysWhatChangesAndWhatWaits) {
  const Config before = parsed("");
  const Config after = parsed("[smtp]\nlisten = [\"127.0.0.1:25\"]\nrecipients_max = 500\n");
  EXPECT_THAT(
      describe(diff_config(before, after)),
      ElementsAre(
          "smtp.listen: [\"127.0.0.1:2525\"] → [\"127.0.0.1:25\"] (takes effect at the next start)",
          "smtp.recipients_max: 1000 → 500"));
  EXPECT_THAT(diff_config(after, after), IsEmpty());
}

TEST(DiffConfig, ComparesListsByName) {
  const Config before = parsed(
      "[[source]]\nname = \"a\"\n[[source]]\nname = \"b\"\n[[route]]\ndomain = "
      "\"x.example\"\nhosts = [\"192.0.2.9\"]\n");
  const Config after =
      parsed("[[source]]\nname = \"c\"\n[[source]]\nname = \"b\"\nipv4 = \"192.0.2.2\"\n");
  EXPECT_THAT(
      describe(diff_config(before, after)),
      ElementsAre("source \"a\": removed", "source \"c\": added",
                  "source \"b\": ipv4 none → \"192.0.2.2\"",
                  "pool \"default\": sources [\"a\", \"b\"] → [\"c\", \"b\"]",
                  "route { domain = \"x.example\", hosts = [\"192.0.2.9\"], port = 25 }: removed"));
}

TEST(DiffConfig, OrderMattersWhereTheFirstMatchWins) {
  const std::string a = "[[assign]]\nsender_domain = \"a.example\"\ntenant = \"a\"\n";
  const std::string b = "[[assign]]\nsender_domain = \"b.example\"\ntenant = \"b\"\n";
  EXPECT_THAT(describe(diff_config(parsed(a + b), parsed(b + a))),
              ElementsAre("assign: in another order"));
}

TEST(ApplyReload, KeepsWhatNeedsARestart) {
  const Config running = parsed("");
  const Config next =
      parsed("data_dir = \"/srv\"\n[smtp]\nrecipients_max = 500\n[[source]]\nname = \"a\"\n");
  const Config applied = apply_reload(running, next);
  EXPECT_EQ(applied.data_dir, running.data_dir);
  EXPECT_EQ(applied.spool.path, running.spool.path);
  EXPECT_EQ(applied.smtp.recipients_max, 500U);
  EXPECT_EQ(applied.sources, next.sources);
}

TEST(FindAssignment, FirstEntryWhoseConditionsAllHold) {
  const Config config = parsed(R"(
[[class]]
name = "default"
[[class]]
name = "notice"
[[assign]]
sender = "Password@Example.com"
class = "notice"
[[assign]]
sender = "<>"
tenant = "bounces"
[[assign]]
sender_domain = "*.example.com"
client_network = ["192.0.2.0/24"]
listener = "127.0.0.1:2525"
tenant = "news"
[[assign]]
sender_domain = "example.net"
tenant = "net"
)");
  const auto tenant_of = [&](const std::string& sender, std::string_view client,
                             std::string_view listener) {
    const ReversePath path{sender.empty() ? Mailbox{} : Mailbox::parse(sender).value()};
    const Assignment* found = find_assignment(config.assignments, {path, client, listener});
    if (found == nullptr) return std::string("none");
    return found->message_class.empty() ? found->tenant : found->message_class;
  };
  EXPECT_EQ(tenant_of("password@example.com", "", ""), "notice");
  EXPECT_EQ(tenant_of("", "", ""), "bounces");
  EXPECT_EQ(tenant_of("x@a.example.com", "192.0.2.9", "127.0.0.1:2525"), "news");
  EXPECT_EQ(tenant_of("x@a.example.com", "192.0.3.9", "127.0.0.1:2525"), "none");
  EXPECT_EQ(tenant_of("x@a.example.com", "192.0.2.9", "http"), "none");
  EXPECT_EQ(tenant_of("x@example.com", "192.0.2.9", "127.0.0.1:2525"), "none");
  EXPECT_EQ(tenant_of("x@EXAMPLE.net", "", ""), "net");
}

TEST(MatchesDomain, StarIsAnyLabelsInFront) {
  EXPECT_TRUE(matches_domain("*.example.com", "a.b.EXAMPLE.com"));
  EXPECT_FALSE(matches_domain("*.example.com", "example.com"));
  EXPECT_FALSE(matches_domain("*.example.com", "badexample.com"));
  EXPECT_FALSE(matches_domain("example.com", "a.example.com"));
  EXPECT_TRUE(matches_domain("*", "a.example"));
  EXPECT_FALSE(matches_domain("*", ""));
}

TEST(EngineConfig, OverridesInheritFromTheLessSpecific) {
  const engine::EngineConfig config = engine_config(parsed(rich));
  ASSERT_EQ(config.caps_overrides.size(), 3U);
  const engine::CapsOverride& both = config.caps_overrides[0];
  EXPECT_EQ(both.provider, "google");
  EXPECT_EQ(both.source, "b");
  EXPECT_EQ(both.caps.connections_max, 3U);
  EXPECT_EQ(both.caps.messages_per_connection_max, 7U);
  EXPECT_EQ(both.caps.message_rate, std::nullopt);
  const engine::CapsOverride& provider = config.caps_overrides[1];
  EXPECT_EQ(provider.provider, "google");
  EXPECT_EQ(provider.source, "");
  EXPECT_EQ(provider.caps.message_rate, (Rate{20, std::chrono::minutes(1)}));
  const engine::CapsOverride& source = config.caps_overrides[2];
  EXPECT_EQ(source.provider, "");
  EXPECT_EQ(source.source, "b");
  EXPECT_EQ(source.caps.messages_per_connection_max, 7U);
}

TEST(EngineConfig, ProviderAndSourceEntriesMeetInAnOverrideOfBoth) {
  const engine::EngineConfig config = engine_config(
      parsed("[[source]]\nname = \"b\"\n[[caps.for]]\nprovider = \"google\"\nconnections = "
             "3\n[[caps.for]]\nsource = \"b\"\nconnections = 9\n"));
  ASSERT_EQ(config.caps_overrides.size(), 3U);
  EXPECT_EQ(config.caps_overrides[0].source, "b");
  EXPECT_EQ(config.caps_overrides[0].provider, "google");
  EXPECT_EQ(config.caps_overrides[0].caps.connections_max, 3U);
}

TEST(EngineConfig, PoolsPointAtTheirSources) {
  const engine::EngineConfig config =
      engine_config(parsed("[[source]]\nname = \"a\"\n[[source]]\nname = \"b\"\n[[pool]]\nname = "
                           "\"p\"\nsources = [\"b\"]\n"));
  ASSERT_EQ(config.pools.size(), 1U);
  EXPECT_THAT(config.pools[0].sources, ElementsAre(1));
  EXPECT_EQ(config.sources[1].ehlo_name, host);
}

TEST(EngineConfig, LearnsUnlessToldOtherwise) {
  const engine::EngineConfig usual = engine_config(parsed("[[source]]\nname = \"a\"\n"));
  EXPECT_TRUE(usual.pacing.learns);
  EXPECT_EQ(usual.pacing.start_rate, (Rate{5, std::chrono::seconds(1)}));
  EXPECT_FALSE(usual.sources[0].warming);
  const engine::EngineConfig other = engine_config(
      parsed("[pacing]\nlearn = false\nstart_rate = \"unlimited\"\n[[source]]\nname = "
             "\"a\"\nwarming = true\n"));
  EXPECT_FALSE(other.pacing.learns);
  EXPECT_EQ(other.pacing.start_rate, std::nullopt);
  EXPECT_TRUE(other.sources[0].warming);
}

TEST(DiffConfig, PacingTakesEffectAtOnceTheCatalogueAtTheNextStart) {
  const Config before = parsed("[[source]]\nname = \"a\"\n");
  const Config after = parsed(
      "[pacing]\nstart_rate = \"2/s\"\n[providers]\nfolder = "
      "\"/etc/mailweir/providers.d\"\n[[source]]\nname = \"a\"\nwarming = true\n");
  EXPECT_THAT(describe(diff_config(before, after)),
              ElementsAre("pacing.start_rate: \"5/s\" → \"2/s\"",
                          "providers.folder: none → \"/etc/mailweir/providers.d\" (takes effect at "
                          "the next start)",
                          "source \"a\": warming none → true"));
}

TEST(NearestName, IsNearEnoughToBeMeant) {
  EXPECT_EQ(edit_distance("max_rte", "max_rate"), 1U);
  EXPECT_EQ(edit_distance("prot", "port"), 1U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(nearest_name("prot", {"pool", "port", "path"}), "port");
  EXPECT_EQ(nearest_name("zebra", {"pool", "port", "path"}), "");
  EXPECT_EQ(nearest_name("a", {"b"}), "");
}

TEST(ConfigReference, TheCommittedPageIsCurrent) {
  EXPECT_EQ(file_text(WEIR_SOURCE_DIR "/docs/configuration.md"), config_reference())
      << "write it anew: config_reference > docs/configuration.md";
}

}  // namespace
}  // namespace mailweir::config
