#include "server/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "operations/test_directory.h"

namespace mailweir::server {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

config::Config live_config() {
  config::Config config = config::default_config("out.test");
  config.mode = config::Mode::live;
  return config;
}

TEST(ServerSettings, InSandboxModeEverythingGoesToTheSink) {
  config::Config config = config::default_config("out.test");
  config.routes = {{.domain = "example.com", .hosts = {"192.0.2.1"}}};
  const auto options = relay_options(config, 4025);
  ASSERT_TRUE(options);
  ASSERT_THAT(options->engine.routes, SizeIs(1));
  EXPECT_EQ(options->engine.routes[0].domain, "*");
  EXPECT_THAT(options->engine.routes[0].hosts, ElementsAre("127.0.0.1"));
  EXPECT_EQ(options->engine.routes[0].port, 4025);
}

TEST(ServerSettings, InLiveModeOnlyWhatTheOperatorRoutesIsRouted) {
  config::Config config = live_config();
  EXPECT_THAT(relay_options(config, 0)->engine.routes, IsEmpty());
  config.routes = {{.domain = "example.com", .hosts = {"192.0.2.1"}, .port = 26}};
  const auto options = relay_options(config, 0);
  ASSERT_THAT(options->engine.routes, SizeIs(1));
  EXPECT_EQ(options->engine.routes[0].domain, "example.com");
  EXPECT_EQ(options->engine.routes[0].port, 26);
}

TEST(ServerSettings, ThePartsAreToldTheSameNamesAndClasses) {
  config::Config config = live_config();
  config.dsn.postmaster = "post@out.test";
  config.classes = {{.name = "one"}, {.name = "two", .expiry = 10min}};
  config.pools = {{.name = "p", .sources = {"default"}}};
  config.spool.free_min = ByteCount{4096};
  const auto options = relay_options(config, 0);
  ASSERT_TRUE(options);
  EXPECT_EQ(options->hostname, "out.test");
  EXPECT_EQ(options->postmaster, "post@out.test");
  EXPECT_EQ(options->free_min, ByteCount{4096});
  EXPECT_THAT(options->policy.pools, ElementsAre("p"));
  ASSERT_THAT(options->policy.classes, SizeIs(2));
  EXPECT_EQ(options->policy.classes[1].name, "two");
  EXPECT_EQ(options->policy.classes[1].expiry, options->engine.classes[1].expiry);
  ASSERT_THAT(options->delivery.sources, SizeIs(options->engine.sources.size()));
  EXPECT_EQ(options->delivery.sources[0].ehlo_name, "out.test");
}

TEST(ServerSettings, DeliveryIsToldWhatTheConfigurationSays) {
  config::Config config = live_config();
  config.delivery.ipv6 = false;
  config.delivery.allow_private_targets = true;
  config.delivery.addresses_max = 3;
  config.delivery.timeouts.connect = 1500ms;
  config.delivery.timeouts.end_of_data = 7min;
  const auto options = relay_options(config, 0)->delivery;
  EXPECT_FALSE(options.use_ipv6);
  EXPECT_TRUE(options.allow_private_targets);
  EXPECT_EQ(options.addresses_max, 3U);
  EXPECT_EQ(options.timeouts.connect, 2s) << "rounded up, never to zero";
  EXPECT_EQ(options.timeouts.end_of_data, 7min);
  for (const auto& [use, mode] : {std::pair(config::TlsUse::off, delivery::TlsMode::off),
                                  {config::TlsUse::opportunistic, delivery::TlsMode::opportunistic},
                                  {config::TlsUse::required, delivery::TlsMode::required}}) {
    config.delivery.tls = use;
    EXPECT_EQ(relay_options(config, 0)->delivery.tls, mode);
  }
}

TEST(ServerSettings, TheSuppressionListIsReadOrItsTroubleTold) {
  const operations::TestDirectory directory;
  const auto file = directory.path() / "suppressed";
  config::Config config = live_config();
  EXPECT_EQ(relay_options(config, 0)->policy.suppression, nullptr);
  config.suppression.file = file.string();
  ASSERT_FALSE(relay_options(config, 0));
  EXPECT_EQ(relay_options(config, 0).error().code, Errc::invalid_argument);
  std::ofstream(file) << "gone@example.com\n";
  const auto options = relay_options(config, 0);
  ASSERT_TRUE(options);
  ASSERT_NE(options->policy.suppression, nullptr);
  EXPECT_EQ(options->policy.suppression->size(), 1U);
}

TEST(ServerSettings, AListenerIsNamedByItsEndpoint) {
  config::Config config = live_config();
  config.smtp.message_size_max = ByteCount{1234};
  config.smtp.recipients_max = 7;
  config.smtp.sessions_max = 8;
  config.smtp.sessions_per_address_max = 9;
  config.smtp.command_timeout = 11s;
  const auto options = listener_options(config, parse_endpoint("127.0.0.1:2526").value());
  EXPECT_EQ(options.name, "127.0.0.1:2526");
  EXPECT_EQ(options.endpoint.port, 2526);
  EXPECT_EQ(options.server.host_name, "out.test");
  EXPECT_EQ(options.server.message_size_max, 1234U);
  EXPECT_EQ(options.server.recipients_max, 7U);
  EXPECT_EQ(options.caps.sessions_max, 8U);
  EXPECT_EQ(options.caps.sessions_per_address_max, 9U);
  EXPECT_EQ(options.times.command_max, 11s);
}

TEST(ServerSettings, ThereIsAlwaysAnIoThread) {
  config::Config config = live_config();
  EXPECT_GE(io_thread_count(config), 1U);
  config.io_threads = 3;
  EXPECT_EQ(io_thread_count(config), 3U);
}

TEST(LoadProviders, AFolderIsLaidOverTheCatalogueAndItsChangesWait) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(::testing::TempDir()) / "mailweir-providers";
  fs::remove_all(folder);
  fs::create_directories(folder);
  const auto write = [&](const std::string& text) { std::ofstream(folder / "own.toml") << text; };
  write("key = \"own\"\nname = \"Our own\"\nmx = [\"*.own.example\"]\n");
  config::Config config = config::default_config("out.test");
  EXPECT_EQ(provider_files_change(load_providers("").value(), config), "");
  config.providers.folder = folder.string();
  const auto loaded = load_providers(config.providers.folder);
  ASSERT_TRUE(loaded) << loaded.error().context;
  EXPECT_EQ(loaded->catalogue.match({"mx.own.example"})->key, "own");
  EXPECT_EQ(provider_files_change(*loaded, config), "");
  write("key = 7\n");
  EXPECT_THAT(provider_files_change(*loaded, config), ::testing::HasSubstr("next start"));
  const auto wrong = load_providers(config.providers.folder);
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().context, ::testing::HasSubstr("providers.folder"));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace mailweir::server
