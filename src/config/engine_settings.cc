#include "config/engine_settings.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace mailweir::config {
namespace {

pacing::PathCaps path_caps(const Caps& caps) {
  return {.connections_max = caps.connections,
          .messages_per_connection_max = caps.messages_per_connection,
          .message_rate = caps.message_rate,
          .connection_rate = caps.connection_rate};
}

const CapsFor* find_caps(const Config& config, const std::string& provider,
                         const std::string& source) {
  for (const CapsFor& entry : config.caps_for) {
    if (entry.provider == provider && entry.source == source) return &entry;
  }
  return nullptr;
}

void override_caps(pacing::PathCaps& caps, const CapsFor* entry) {
  if (entry == nullptr) return;
  if (entry->connections) caps.connections_max = *entry->connections;
  if (entry->messages_per_connection)
    caps.messages_per_connection_max = *entry->messages_per_connection;
  if (entry->message_rate) caps.message_rate = entry->message_rate->rate;
  if (entry->connection_rate) caps.connection_rate = entry->connection_rate->rate;
}

engine::CapsOverride caps_override(const Config& config, const std::string& provider,
                                   const std::string& source) {
  pacing::PathCaps caps = path_caps(config.caps);
  // From the least specific to the most; without a provider or a source the lines below name the
  // same entry twice, harmlessly.
  if (!source.empty()) override_caps(caps, find_caps(config, {}, source));
  if (!provider.empty()) override_caps(caps, find_caps(config, provider, {}));
  override_caps(caps, find_caps(config, provider, source));
  return {.provider = provider, .source = source, .caps = caps};
}

std::vector<engine::CapsOverride> caps_overrides(const Config& config) {
  std::vector<std::pair<std::string, std::string>> keys;
  const auto add = [&](const std::string& provider, const std::string& source) {
    const std::pair key(provider, source);
    if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
  };
  for (const CapsFor& a : config.caps_for) {
    add(a.provider, a.source);
    for (const CapsFor& b : config.caps_for) {
      if (a.source.empty() && b.provider.empty()) add(a.provider, b.source);
    }
  }
  // Provider and source, then provider alone, then source alone.
  std::ranges::sort(keys, {}, [](const auto& key) {
    return std::tuple(key.first.empty(), key.second.empty(), key);
  });
  std::vector<engine::CapsOverride> overrides;
  for (const auto& [provider, source] : keys)
    overrides.push_back(caps_override(config, provider, source));
  return overrides;
}

std::uint16_t index_of(const std::vector<Source>& sources, const std::string& name) {
  const auto found = std::ranges::find(sources, name, &Source::name);
  return static_cast<std::uint16_t>(found -
                                    sources.begin());  // the checks made sure that it is there
}

}  // namespace

engine::EngineConfig engine_config(const Config& config) {
  engine::EngineConfig out;
  for (const Source& source : config.sources) {
    out.sources.push_back({.name = source.name,
                           .ipv4 = source.ipv4,
                           .ipv6 = source.ipv6,
                           .ehlo_name = source.ehlo,
                           .warming = source.warming});
  }
  for (const Pool& pool : config.pools) {
    engine::EgressPool members{.name = pool.name, .sources = {}};
    for (const std::string& source : pool.sources)
      members.sources.push_back(index_of(config.sources, source));
    out.pools.push_back(std::move(members));
  }
  for (const MessageClass& entry : config.classes) {
    out.classes.push_back({.name = entry.name,
                           .priority = entry.priority,
                           .expiry = entry.expiry,
                           .deadline = entry.deadline,
                           .pool = entry.pool});
  }
  for (const Route& route : config.routes) {
    out.routes.push_back({.domain = route.domain, .hosts = route.hosts, .port = route.port});
  }
  out.retry = {.first = config.retry.first,
               .factor = config.retry.factor,
               .longest = config.retry.longest,
               .jitter = config.retry.jitter};
  out.caps = path_caps(config.caps);
  out.caps_overrides = caps_overrides(config);
  out.pacing = {.learns = config.pacing.learn, .start_rate = config.pacing.start_rate};
  out.recipients_per_transaction_max = config.delivery.recipients_per_transaction_max;
  // A next hop that cannot be reached is asked again no later than a refusing one would be.
  out.site_backoff_first = std::min(out.site_backoff_first, config.retry.first);
  out.mx_port = config.delivery.port;
  out.transactions_ahead = config.delivery.transactions_ahead;
  out.session_idle_max = config.delivery.session_idle_max;
  return out;
}

}  // namespace mailweir::config
