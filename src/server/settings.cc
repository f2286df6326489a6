#include "server/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>

#include "base/crc32c.h"
#include "config/engine_settings.h"

namespace mailweir::server {
namespace {

delivery::TlsMode tls_mode(config::TlsUse use) {
  switch (use) {
    case config::TlsUse::off:
      return delivery::TlsMode::off;
    case config::TlsUse::opportunistic:
      return delivery::TlsMode::opportunistic;
    case config::TlsUse::required:
      return delivery::TlsMode::required;
  }
  return delivery::TlsMode::opportunistic;
}

std::chrono::seconds whole_seconds(Duration duration) {
  return std::chrono::ceil<std::chrono::seconds>(duration);
}

delivery::DeliveryOptions delivery_options(const config::Config& config,
                                           const engine::EngineConfig& engine) {
  const config::DeliverySettings& from = config.delivery;
  const config::DeliveryTimeouts& times = from.timeouts;
  delivery::DeliveryOptions options;
  options.sources = engine.sources;
  options.tls = tls_mode(from.tls);
  options.allow_private_targets = from.allow_private_targets;
  options.use_ipv6 = from.ipv6;
  options.addresses_max = from.addresses_max;
  options.timeouts = {.connect = whole_seconds(times.connect),
                      .banner = whole_seconds(times.banner),
                      .ehlo = whole_seconds(times.ehlo),
                      .starttls = whole_seconds(times.starttls),
                      .mail = whole_seconds(times.mail),
                      .rcpt = whole_seconds(times.rcpt),
                      .data = whole_seconds(times.data),
                      .data_block = whole_seconds(times.data_block),
                      .end_of_data = whole_seconds(times.end_of_data),
                      .quit = whole_seconds(times.quit)};
  return options;
}

Result<relay::PolicyOptions> policy_options(const config::Config& config,
                                            const engine::EngineConfig& engine) {
  relay::PolicyOptions options;
  options.assignments = config.assignments;
  options.classes = engine.classes;
  for (const config::Pool& pool : config.pools) options.pools.push_back(pool.name);
  if (!config.suppression.file.empty()) {
    WEIR_TRY(auto list, relay::SuppressionList::read(config.suppression.file));
    options.suppression = std::make_shared<const relay::SuppressionList>(std::move(list));
  }
  return options;
}

// Of the provider files in the order of their names; what cannot be read counts as empty.
std::uint32_t files_checksum(const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".toml") files.push_back(at->path());
  }
  std::ranges::sort(files);
  std::uint32_t checksum = 0;
  for (const fs::path& file : files) {
    std::ifstream stream(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    checksum = crc32c(text, crc32c(file.filename().string(), checksum));
  }
  return checksum;
}

}  // namespace

std::size_t io_thread_count(const config::Config& config) {
  if (config.io_threads > 0) return config.io_threads;
  // Two already part receiving from delivering. On a larger machine the engine and the commit
  // thread want a processor between them.
  const std::size_t processors = std::thread::hardware_concurrency();
  return processors <= 3 ? 2 : processors - 1;
}

intake::ListenerOptions listener_options(const config::Config& config, const Endpoint& endpoint) {
  const config::SmtpSettings& from = config.smtp;
  intake::ListenerOptions options;
  options.name = to_string(endpoint);
  options.endpoint = endpoint;
  options.server.host_name = config.hostname;
  options.server.message_size_max = from.message_size_max.value;
  options.server.recipients_max = from.recipients_max;
  options.server.received_max = from.received_max;
  options.relay_networks = from.relay_networks;
  options.normalize_networks = from.normalize_networks;
  options.caps = {.sessions_max = from.sessions_max,
                  .sessions_per_address_max = from.sessions_per_address_max};
  options.times.command_max = from.command_timeout;
  options.times.session_max = from.session_time_max;
  return options;
}

Result<relay::RelayOptions> relay_options(const config::Config& config, std::uint16_t sink_port) {
  relay::RelayOptions options;
  options.hostname = config.hostname;
  options.postmaster = config.dsn.postmaster;
  options.engine = config::engine_config(config);
  if (config.mode == config::Mode::sandbox) {
    options.engine.routes = {
        {.domain = "*", .hosts = {"127.0.0.1"}, .port = sink_port, .provider = "sink"}};
  }
  options.delivery = delivery_options(config, options.engine);
  WEIR_TRY(options.policy, policy_options(config, options.engine));
  options.free_min = config.spool.free_min;
  return options;
}

Result<ProviderCatalogue> load_providers(const std::string& folder) {
  if (folder.empty()) return ProviderCatalogue{provider::Catalogue::embedded(), 0};
  auto catalogue = provider::Catalogue::load(folder);
  if (!catalogue) {
    return fail(Errc::invalid_argument,
                fmt::format("the files in {} (providers.folder) cannot be used: {}", folder,
                            catalogue.error().context));
  }
  return ProviderCatalogue{std::move(*catalogue), files_checksum(folder)};
}

std::string provider_files_change(const ProviderCatalogue& running, const config::Config& config) {
  const std::string& folder = config.providers.folder;
  if (folder.empty() || files_checksum(folder) == running.files_crc32c) return {};
  return fmt::format("the files in {} have changed (they are read at the next start)", folder);
}

}  // namespace mailweir::server
