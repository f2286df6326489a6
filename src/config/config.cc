#include "config/config.h"

#include <algorithm>
#include <array>

namespace mailweir::config {
namespace {

Endpoint loopback(std::uint16_t port) {
  return {.address = IpAddress::from_ipv4(0x7F00'0001), .port = port};
}

Networks loopback_networks() {
  constexpr std::array<std::string_view, 2> texts = {"127.0.0.0/8", "::1/128"};
  std::vector<Network> networks;
  for (const std::string_view text : texts) networks.push_back(Network::parse(text).value());
  return Networks(std::move(networks));
}

// The first is the default: mail that nothing assigns elsewhere must neither wait behind
// newsletters nor pass notices.
std::vector<MessageClass> default_classes() {
  using std::chrono::days, std::chrono::minutes;
  return {{.name = "default", .priority = 50, .expiry = days(5), .deadline = {}, .pool = {}},
          {.name = "notice", .priority = 80, .expiry = days(1), .deadline = minutes(5), .pool = {}},
          {.name = "bulk", .priority = 20, .expiry = days(3), .deadline = {}, .pool = {}}};
}

void complete_text(std::string& text, std::string value) {
  if (text.empty()) text = std::move(value);
}

}  // namespace

SmtpSettings::SmtpSettings() : listen{loopback(2525)}, relay_networks(loopback_networks()) {}

HttpSettings::HttpSettings() : listen{loopback(8025)} {}

void complete(Config& config, const std::string& system_hostname) {
  complete_text(config.hostname, system_hostname.empty() ? "localhost" : system_hostname);
  complete_text(config.admin.socket, config.data_dir + "/mailweir.sock");
  complete_text(config.spool.path, config.data_dir + "/spool");
  complete_text(config.events.path, config.data_dir + "/events");
  complete_text(config.dsn.postmaster, "postmaster@" + config.hostname);
  if (config.sources.empty())
    config.sources.push_back({.name = "default", .ipv4 = {}, .ipv6 = {}, .ehlo = {}});
  for (Source& source : config.sources) complete_text(source.ehlo, config.hostname);
  if (config.pools.empty()) {
    Pool all{.name = "default", .sources = {}};
    for (const Source& source : config.sources) all.sources.push_back(source.name);
    config.pools.push_back(std::move(all));
  }
  if (config.classes.empty()) config.classes = default_classes();
}

Config default_config(const std::string& system_hostname) {
  Config config;
  complete(config, system_hostname);
  return config;
}

}  // namespace mailweir::config
