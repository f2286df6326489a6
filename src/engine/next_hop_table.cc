#include "engine/next_hop_table.h"

#include <algorithm>

#include "base/assert.h"

namespace mailweir::engine {
namespace {

// Equal MX sets are equal whatever numbers their owners chose, and in whatever order the answer
// came.
void canonicalize(std::vector<RouteFound::Host>& hosts) {
  std::sort(hosts.begin(), hosts.end(), [](const RouteFound::Host& a, const RouteFound::Host& b) {
    return a.preference != b.preference ? a.preference < b.preference : a.name < b.name;
  });
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
  std::uint16_t rank = 0;
  std::uint16_t given = hosts.front().preference;
  for (RouteFound::Host& host : hosts) {
    if (host.preference != given) {
      given = host.preference;
      ++rank;
    }
    host.preference = rank;
  }
}

std::uint64_t hash_of(const std::vector<RouteFound::Host>& hosts, std::uint16_t port,
                      bool is_smarthost) {
  std::uint64_t hash = mix(port * 2U + (is_smarthost ? 1U : 0U));
  for (const RouteFound::Host& host : hosts)
    hash = mix(hash ^ hash_text(host.name)) + host.preference;
  return hash;
}

}  // namespace

std::string NextHopTable::provider_key(const Target& target) const {
  if (!target.provider.empty()) return target.provider;
  std::vector<std::string_view> names;
  for (const RouteFound::Host& host : target.hosts) names.push_back(host.name);
  if (const auto* entry = catalogue_.match(names)) return entry->key;
  std::string key(*std::min_element(names.begin(), names.end()));
  if (target.port != 25) key += ":" + std::to_string(target.port);
  return key;
}

std::uint32_t NextHopTable::find_provider(std::string_view key) const {
  return provider_index_.find(hash_text(key),
                              [&](std::uint32_t i) { return providers[i].key() == key; });
}

std::uint32_t NextHopTable::intern_provider(const std::string& key) {
  const std::uint32_t known = find_provider(key);
  if (known != no_index) return known;
  const std::uint32_t index = providers.allocate();
  providers[index].names.push_back(key);
  provider_index_.insert(hash_text(key), index);
  return index;
}

std::uint32_t NextHopTable::intern(Target target, std::string_view domain) {
  WEIR_ASSERT(!target.hosts.empty());
  canonicalize(target.hosts);
  const std::uint64_t hash = hash_of(target.hosts, target.port, target.is_smarthost);
  std::uint32_t index = hop_index_.find(hash, [&](std::uint32_t i) {
    const NextHop& known = *hops[i].next_hop;
    return known.port == target.port && known.is_smarthost == target.is_smarthost &&
           known.hosts == target.hosts;
  });
  if (index == no_index) {
    index = hops.allocate();
    NextHop next_hop;
    next_hop.provider = provider_key(target);
    next_hop.hosts = std::move(target.hosts);
    next_hop.port = target.port;
    next_hop.is_smarthost = target.is_smarthost;
    hops[index].provider = intern_provider(next_hop.provider);
    hops[index].next_hop = std::make_shared<const NextHop>(std::move(next_hop));
    Provider& provider = providers[hops[index].provider];
    provider.is_ours = target.is_smarthost && (provider.hops == 0 || provider.is_ours);
    ++provider.hops;
    hop_index_.insert(hash, index);
  }
  auto& names = providers[hops[index].provider].names;
  if (settings_.overrides_name(domain) &&
      std::find(names.begin(), names.end(), domain) == names.end()) {
    names.emplace_back(domain);
  }
  return index;
}

void NextHopTable::note_failing(std::uint32_t index, Instant now) {
  hops[index].failing_since = now;
  if (hops[index].is_noted) return;
  if (noted_failing_.size() >= drop_noted_at_) {
    std::erase_if(noted_failing_, [&](std::uint32_t noted) {
      hops[noted].is_noted = hops[noted].failures > 0;
      return !hops[noted].is_noted;
    });
    drop_noted_at_ = std::max(noted_looked_at, 2 * noted_failing_.size());
  }
  hops[index].is_noted = true;
  noted_failing_.push_back(index);
}

void NextHopTable::forget(std::uint32_t index) {
  if (hops[index].is_noted) std::erase(noted_failing_, index);
  const Hop& hop = hops[index];
  const NextHop& next_hop = *hop.next_hop;
  WEIR_ASSERT(hop.domains == 0 && hop.sessions == 0 && hop.ready == 0);
  hop_index_.erase(hash_of(next_hop.hosts, next_hop.port, next_hop.is_smarthost), index);
  --providers[hop.provider].hops;
  hops.release(index);
}

void NextHopTable::forget_provider(std::uint32_t index) {
  const Provider& provider = providers[index];
  WEIR_ASSERT(provider.hops == 0 && provider.waiting == 0);
  provider_index_.erase(hash_text(provider.key()), index);
  providers.release(index);
}

}  // namespace mailweir::engine
