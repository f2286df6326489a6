#include "config/load_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace mailweir::config {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

LoadResult parse(std::string text) {
  return parse_config({{.name = "mailweir.toml", .text = std::move(text)}}, "mx.example.com");
}

Config config_of(const std::string& text) {
  auto loaded = parse(text);
  if (loaded) return loaded->config;
  for (const Problem& problem : loaded.error()) ADD_FAILURE() << to_string(problem);
  return default_config("mx.example.com");
}

std::vector<std::string> complaints_of(const std::string& text) {
  const auto loaded = parse(text);
  std::vector<std::string> out;
  if (loaded) return out;
  for (const Problem& problem : loaded.error()) out.push_back(to_string(problem));
  return out;
}

// The only complaint about `text`.
std::string complaint_of(const std::string& text) {
  const std::vector<std::string> all = complaints_of(text);
  EXPECT_THAT(all, SizeIs(1));
  return all.empty() ? std::string() : all.front();
}

TEST(LoadConfig, NoFileMeansSafeDefaults) {
  const auto loaded = parse_config({}, "mx.example.com");
  ASSERT_TRUE(loaded);
  EXPECT_THAT(loaded->warnings, IsEmpty());
  EXPECT_THAT(loaded->files, IsEmpty());
  EXPECT_EQ(loaded->config, default_config("mx.example.com"));
  EXPECT_EQ(loaded->config.mode, Mode::sandbox);
  for (const auto& endpoint : loaded->config.smtp.listen)
    EXPECT_TRUE(endpoint.address.is_loopback());
  for (const auto& endpoint : loaded->config.http.listen)
    EXPECT_TRUE(endpoint.address.is_loopback());
  EXPECT_FALSE(loaded->config.smtp.relay_networks.contains("192.0.2.1"));
  EXPECT_TRUE(loaded->config.smtp.relay_networks.contains("127.0.0.1"));
}

TEST(LoadConfig, WhatIsLeftOutFollowsFromWhatIsGiven) {
  const Config config = config_of(
      "hostname = \"out.example.com\"\ndata_dir = \"/srv/mail\"\n[[source]]\nname = \"a\"\n");
  EXPECT_EQ(config.spool.path, "/srv/mail/spool");
  EXPECT_EQ(config.events.path, "/srv/mail/events");
  EXPECT_EQ(config.admin.socket, "/srv/mail/mailweir.sock");
  EXPECT_EQ(config.dsn.postmaster, "postmaster@out.example.com");
  ASSERT_THAT(config.sources, SizeIs(1));
  EXPECT_EQ(config.sources[0].ehlo, "out.example.com");
  ASSERT_THAT(config.pools, SizeIs(1));
  EXPECT_THAT(config.pools[0].sources, ElementsAre("a"));
}

TEST(LoadConfig, ReadsEveryKindOfValue) {
  const Config config = config_of(R"(
mode = "live"
io_threads = 4
[smtp]
listen = ["192.0.2.1:25", "[2001:db8::1]:25"]
message_size_max = "10MiB"
command_timeout = "1m30s"
[delivery]
ipv6 = false
tls = "required"
[delivery.timeouts]
quit = "250ms"
[caps]
message_rate = "20/min"
[retry]
factor = 3
jitter = 0.5
[dns]
servers = ["192.0.2.53", "[2001:db8::53]:5353"]
[[source]]
name = "a"
ipv4 = "192.0.2.1"
[[caps.for]]
source = "a"
message_rate = "unlimited"
[[route]]
domain = "*.Example.COM"
hosts = ["192.0.2.9", "Relay.example.net"]
)");
  EXPECT_EQ(config.mode, Mode::live);
  EXPECT_EQ(config.io_threads, 4U);
  EXPECT_EQ(to_string(config.smtp.listen.at(1)), "[2001:db8::1]:25");
  EXPECT_EQ(config.smtp.message_size_max, ByteCount{10 << 20});
  EXPECT_EQ(config.smtp.command_timeout, std::chrono::seconds(90));
  EXPECT_FALSE(config.delivery.ipv6);
  EXPECT_EQ(config.delivery.tls, TlsUse::required);
  EXPECT_EQ(config.delivery.timeouts.quit, std::chrono::milliseconds(250));
  EXPECT_EQ(config.caps.message_rate, (Rate{20, std::chrono::minutes(1)}));
  EXPECT_EQ(config.retry.factor, 3.0);
  EXPECT_EQ(to_string(config.dns.servers.at(0)), "192.0.2.53:53");
  EXPECT_EQ(to_string(config.dns.servers.at(1)), "[2001:db8::53]:5353");
  EXPECT_EQ(config.caps_for.at(0).message_rate, RateLimit{});
  EXPECT_EQ(config.routes.at(0).domain, "*.example.com");
  EXPECT_THAT(config.routes.at(0).hosts, ElementsAre("192.0.2.9", "relay.example.net"));
}

TEST(LoadConfig, ShowsTheLineAndACaret) {
  EXPECT_EQ(
      complaint_of("# über\n[caps]\n\tmessage_rte = \"5/s\"\n"),
      "mailweir.toml:3:2: unknown key \"message_rte\" in [caps]; did you mean \"message_rate\"?\n"
      "    3 | \tmessage_rte = \"5/s\"\n"
      "      | \t^");
}

TEST(LoadConfig, KnowsWhereAKeyBelongs) {
  EXPECT_THAT(complaint_of("[smtp]\njitter = 0.1\n"), HasSubstr("it belongs into [retry]"));
  EXPECT_THAT(complaint_of("[caps]\ndata_dir = \"x\"\n"),
              HasSubstr("it belongs above the first table"));
  EXPECT_THAT(complaint_of("[nonsense]\n"), HasSubstr("known are: mode, hostname"));
  EXPECT_THAT(complaint_of("[[source]]\nname = \"a\"\nip4 = \"192.0.2.1\"\n"),
              HasSubstr("unknown key \"ip4\" in [[source]]; did you mean \"ipv4\"?"));
  EXPECT_THAT(complaint_of("\"smtp.listen\" = []\n"), HasSubstr("unknown key"));
}

TEST(LoadConfig, AsksForUnits) {
  EXPECT_THAT(complaint_of("[smtp]\ncommand_timeout = 300\n"),
              HasSubstr("this is a whole number; write it as \"5m\""));
  EXPECT_THAT(complaint_of("[smtp]\ncommand_timeout = 30\n"), HasSubstr("write it as \"30s\""));
  EXPECT_THAT(complaint_of("[smtp]\ncommand_timeout = \"300\"\n"),
              HasSubstr("is not a duration; write a number with its unit"));
  EXPECT_THAT(complaint_of("[caps]\nmessage_rate = \"20\"\n"), HasSubstr("or \"unlimited\""));
  EXPECT_THAT(complaint_of("[spool]\nmemory = \"64\"\n"), HasSubstr("is not a size"));
}

TEST(LoadConfig, AHostNameHasNoUnderscore) {
  EXPECT_THAT(complaint_of("hostname = \"mx_op1\"\n"), HasSubstr("is not a host name"));
}

TEST(LoadConfig, KeepsValuesInTheirRange) {
  EXPECT_THAT(complaint_of("[delivery]\nport = 0\n"),
              HasSubstr("0 is out of range; give at least 1"));
  EXPECT_THAT(complaint_of("[delivery]\nport = 65536\n"), HasSubstr("out of range"));
  EXPECT_THAT(complaint_of("[delivery]\nport = -25\n"), HasSubstr("out of range"));
  EXPECT_THAT(complaint_of("[retry]\njitter = nan\n"), HasSubstr("out of range"));
  EXPECT_THAT(complaint_of("[retry]\nfactor = 0.5\n"), HasSubstr("1 to 10"));
  EXPECT_THAT(complaint_of("[smtp]\ncommand_timeout = \"10ms\"\n"), HasSubstr("give 1s to 1h"));
  EXPECT_THAT(complaint_of("mode = \"test\"\n"), HasSubstr("use one of \"sandbox\", \"live\""));
}

TEST(LoadConfig, ReportsEveryMistakeAtOnceInTheirOrder) {
  EXPECT_THAT(complaints_of("mode = 5\nhostnam = \"a\"\n[smtp]\nlisten = [\"127.0.0.1:1\", \"x\", "
                            "7]\n[dns]\ntimeout = \"2\"\n"),
              ElementsAre(StartsWith("mailweir.toml:1:8:"), StartsWith("mailweir.toml:2:1:"),
                          StartsWith("mailweir.toml:4:26:"), StartsWith("mailweir.toml:4:31:"),
                          StartsWith("mailweir.toml:6:11:")));
}

TEST(LoadConfig, PointsAtASyntaxError) {
  EXPECT_THAT(complaint_of("mode = \"live\n"),
              AllOf(StartsWith("mailweir.toml:1:"), HasSubstr("not TOML"), EndsWith("^")));
  EXPECT_THAT(complaint_of("a = \"\xff\"\n"), HasSubstr("not TOML"));
}

TEST(LoadConfig, RefusesTextNoOneWrote) {
  EXPECT_THAT(complaint_of(std::string(5000, 'a') + " = 1"), HasSubstr("line is longer"));
  EXPECT_THAT(complaint_of(std::string((1 << 20) + 1, '\n')), HasSubstr("larger than 1 MiB"));
}

TEST(LoadConfig, ConfusedTablesAreExplained) {
  EXPECT_THAT(complaint_of("[source]\nname = \"a\"\n"), HasSubstr("write each as [[source]]"));
  EXPECT_THAT(complaint_of("smtp = 5\n"), HasSubstr("write [smtp] with its keys below"));
  EXPECT_THAT(complaint_of("[[pool]]\nname = \"p\"\n"), HasSubstr("\"sources\" is missing"));
  EXPECT_THAT(complaint_of("mode = 1979-05-27\n"), HasSubstr("a date, a time"));
}

TEST(LoadConfig, SeveralTextsAreOneDocument) {
  const auto loaded =
      parse_config({{"a.toml", "[smtp]\nlisten = []\n[[source]]\nname = \"a\"\n"},
                    {"b.toml", "[smtp]\nrecipients_max = 200\n[[source]]\nname = \"b\"\n"}},
                   "mx.example.com");
  ASSERT_TRUE(loaded);
  EXPECT_THAT(loaded->config.smtp.listen, IsEmpty());
  EXPECT_EQ(loaded->config.smtp.recipients_max, 200U);
  EXPECT_THAT(loaded->config.pools.at(0).sources, ElementsAre("a", "b"));
  EXPECT_THAT(loaded->files, ElementsAre("a.toml", "b.toml"));
}

TEST(LoadConfig, AKeyGivenTwiceNamesBothPlaces) {
  const auto loaded = parse_config(
      {{"a.toml", "\n[smtp]\nlisten = []\n"}, {"b.toml", "smtp.listen = []\n"}}, "mx.example.com");
  ASSERT_FALSE(loaded);
  ASSERT_THAT(loaded.error(), SizeIs(1));
  EXPECT_THAT(
      to_string(loaded.error()[0]),
      AllOf(StartsWith("b.toml:1:"), HasSubstr("\"listen\" is set twice, first at a.toml:3:1")));
}

class LoadConfigFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    directory = std::filesystem::path(::testing::TempDir()) /
                ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory / "conf.d");
  }
  void TearDown() override { std::filesystem::remove_all(directory); }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((directory / name).parent_path());
    std::ofstream(directory / name) << text;
  }

  std::filesystem::path directory;
};

TEST_F(LoadConfigFiles, ReadsConfDInTheOrderOfNames) {
  write("mailweir.toml", "");
  write("conf.d/20.toml", "[[source]]\nname = \"second\"\n");
  write("conf.d/10.toml", "[[source]]\nname = \"first\"\n");
  write("conf.d/30.toml.bak", "this is not read");
  const auto loaded = load_config(directory / "mailweir.toml");
  ASSERT_TRUE(loaded) << to_string(loaded.error().front());
  EXPECT_THAT(loaded->config.pools.at(0).sources, ElementsAre("first", "second"));
  EXPECT_THAT(loaded->files,
              ElementsAre(EndsWith("mailweir.toml"), EndsWith("10.toml"), EndsWith("20.toml")));
}

TEST_F(LoadConfigFiles, AMissingFileIsAnError) {
  const auto loaded = load_config(directory / "absent.toml");
  ASSERT_FALSE(loaded);
  EXPECT_THAT(to_string(loaded.error().front()),
              HasSubstr("absent.toml: cannot be read: No such file"));
}

TEST_F(LoadConfigFiles, ACertificateThatCannotBeReadIsAnError) {
  write("mailweir.toml",
        "[tls]\ncertificate = \"/nonexistent/c.pem\"\nkey = \"/nonexistent/k.pem\"\n");
  const auto loaded = load_config(directory / "mailweir.toml");
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error(), SizeIs(2));
  EXPECT_THAT(to_string(loaded.error().front()),
              HasSubstr("mailweir.toml:2:1: cannot read /nonexistent/c.pem"));
}

TEST_F(LoadConfigFiles, AProviderOfTheOperatorsFolderMayHaveCaps) {
  write("providers.d/own.toml", "key = \"own\"\nname = \"Our own\"\nmx = [\"*.own.example\"]\n");
  const std::string folder = (directory / "providers.d").string();
  const std::string settings = "[providers]\nfolder = \"" + folder + "\"\n[[caps.for]]\n";
  write("mailweir.toml", settings + "provider = \"own\"\nconnections = 2\n");
  const auto loaded = load_config(directory / "mailweir.toml");
  ASSERT_TRUE(loaded) << to_string(loaded.error().front());
  write("mailweir.toml", settings + "provider = \"owm\"\nconnections = 2\n");
  const auto mistyped = load_config(directory / "mailweir.toml");
  ASSERT_FALSE(mistyped);
  EXPECT_THAT(to_string(mistyped.error().front()), HasSubstr("did you mean \"own\"?"));
}

TEST_F(LoadConfigFiles, AProviderFileThatIsWrongIsAnError) {
  write("providers.d/own.toml", "key = 7\n");
  write("mailweir.toml",
        "[providers]\nfolder = \"" + (directory / "providers.d").string() + "\"\n");
  const auto loaded = load_config(directory / "mailweir.toml");
  ASSERT_FALSE(loaded);
  EXPECT_THAT(to_string(loaded.error().front()),
              AllOf(HasSubstr("mailweir.toml:2:1"), HasSubstr("own.toml")));
}

TEST(LoadConfig, TheExampleIsCorrect) {
  const auto loaded = load_config(WEIR_SOURCE_DIR "/examples/mailweir.toml");
  ASSERT_TRUE(loaded) << to_string(loaded.error().front());
  // It begins as a sandbox, and shows a route for later.
  ASSERT_THAT(loaded->warnings, SizeIs(1));
  EXPECT_THAT(loaded->warnings[0].message, HasSubstr("without effect in sandbox mode"));
  EXPECT_THAT(loaded->config.sources, SizeIs(3));
}

}  // namespace
}  // namespace mailweir::config
