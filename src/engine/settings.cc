#include "engine/settings.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "base/networks.h"

namespace mailweir::engine {
namespace {

constexpr std::uint32_t ids_max = 255;  // of classes and pools, over all reloads
constexpr std::size_t own_pools_max = 200;

template <class Row>
bool names(const std::vector<Row>& rows, std::string_view name) {
  return std::any_of(rows.begin(), rows.end(), [&](const Row& row) { return row.name == name; });
}

// Without an address the system chooses one.
std::string network_24(const std::string& ipv4) {
  const auto address = IpAddress::parse(ipv4);
  if (ipv4.empty() || !address) return {};
  const auto first = static_cast<std::uint32_t>(address->low()) & 0xFFFFFF00U;
  return to_string(IpAddress::from_ipv4(first)) + "/24";
}

}  // namespace

pacing::Rank rank_of(const MessageClass& message_class) {
  constexpr int urgent_priority = 80;
  constexpr int bulk_priority = 30;
  constexpr Duration urgent_deadline = std::chrono::minutes(5);
  const bool is_pressing =
      message_class.deadline > Duration{} && message_class.deadline <= urgent_deadline;
  if (message_class.priority >= urgent_priority || is_pressing) return pacing::Rank::urgent;
  return message_class.priority <= bulk_priority ? pacing::Rank::bulk : pacing::Rank::ordinary;
}

Settings::Settings(EngineConfig config) : config_(std::move(config)) {
  resolve_names();
}

void Settings::replace(EngineConfig config) {
  config_ = std::move(config);
  resolve_names();
}

void Settings::resolve_names() {
  WEIR_ASSERT(!config_.sources.empty() && !config_.pools.empty() && !config_.classes.empty());
  WEIR_ASSERT(config_.recipients_per_transaction_max > 0 && config_.transactions_ahead > 0);
  for (const EgressAddress& source : config_.sources) source_names_.intern(source.name);
  for (const EgressPool& pool : config_.pools) pool_names_.intern(pool.name);
  for (const MessageClass& row : config_.classes) class_names_.intern(row.name);
  WEIR_ASSERT(class_names_.size() < ids_max && pool_names_.size() < ids_max);

  source_at_.assign(source_names_.size(), std::nullopt);
  for (std::size_t i = 0; i < config_.sources.size(); ++i) {
    source_at_[source_names_.find(config_.sources[i].name)] = static_cast<std::uint16_t>(i);
  }
  networks_.assign(source_names_.size(), {});
  for (const EgressAddress& source : config_.sources)
    networks_[source_names_.find(source.name)] = network_24(source.ipv4);
  default_pool_ = static_cast<std::uint8_t>(pool_names_.find(config_.pools.front().name));
  pool_sources_.assign(pool_names_.size(), {});
  for (const EgressPool& pool : config_.pools) {
    auto& ids = pool_sources_[pool_names_.find(pool.name)];
    for (const std::uint16_t source : pool.sources) {
      WEIR_ASSERT(source < config_.sources.size());
      ids.push_back(static_cast<std::uint16_t>(source_names_.find(config_.sources[source].name)));
    }
    WEIR_ASSERT(!ids.empty());
  }
  make_own_pools();
  source_pools_.assign(source_names_.size(), {});
  for (std::size_t pool = 0; pool < pool_sources_.size(); ++pool) {
    for (const std::uint16_t source : pool_sources_[pool])
      source_pools_[source].push_back(static_cast<std::uint8_t>(pool));
  }
  class_at_.assign(class_names_.size(), 0);
  for (std::size_t i = 0; i < config_.classes.size(); ++i) {
    class_at_[class_names_.find(config_.classes[i].name)] = i;
  }
  ranks_.clear();
  for (const std::size_t at : class_at_) ranks_.push_back(rank_of(config_.classes[at]));
  has_urgent_ = std::ranges::find(ranks_, pacing::Rank::urgent) != ranks_.end();
  least_urgent_ = std::numeric_limits<std::int64_t>::max();
  for (const MessageClass& row : config_.classes) {
    if (rank_of(row) == pacing::Rank::urgent)
      least_urgent_ = std::min(least_urgent_, row.priority * config_.ageing.count());
  }
}

void Settings::make_own_pools() {
  own_pools_.assign(source_names_.size(), std::nullopt);
  // No configured pool has such a name.
  const auto own_name = [](const EgressAddress& source) { return "\x01" + source.name; };
  const auto is_new = [&](const EgressAddress& source) {
    return pool_names_.find(own_name(source)) == no_index;
  };
  const auto added = static_cast<std::size_t>(std::ranges::count_if(config_.sources, is_new));
  const bool all_fit = pool_names_.size() + added <= own_pools_max;
  for (const EgressAddress& source : config_.sources) {
    if (!all_fit && is_new(source)) continue;
    const std::uint32_t id = source_names_.find(source.name);
    const std::uint32_t pool = pool_names_.intern(own_name(source));
    if (pool >= pool_sources_.size()) pool_sources_.resize(pool + 1U);
    pool_sources_[pool] = {static_cast<std::uint16_t>(id)};
    own_pools_[id] = static_cast<std::uint8_t>(pool);
  }
}

std::optional<std::uint8_t> Settings::pool_of_source(std::uint16_t source) const {
  return source < own_pools_.size() ? own_pools_[source] : std::nullopt;
}

std::uint8_t Settings::class_id(std::string_view name) const {
  // A handful of classes: comparing beats hashing.
  for (const MessageClass& row : config_.classes) {
    if (row.name == name) return static_cast<std::uint8_t>(class_names_.find(name));
  }
  return static_cast<std::uint8_t>(class_names_.find(config_.classes.front().name));
}

std::uint8_t Settings::pool_id(std::string_view name) const {
  if (name.empty() || !names(config_.pools, name)) return pool_of_class;
  return static_cast<std::uint8_t>(pool_names_.find(name));
}

std::uint8_t Settings::effective_pool(std::uint8_t pool, std::uint8_t class_id) const {
  if (pool != pool_of_class && !pool_sources_[pool].empty()) return pool;
  const std::uint8_t of_class = pool_id(message_class(class_id).pool);
  return of_class == pool_of_class ? default_pool_ : of_class;
}

bool Settings::pool_has(std::uint8_t pool, std::uint16_t source) const {
  const auto& ids = pool_sources_[pool];
  return std::find(ids.begin(), ids.end(), source) != ids.end();
}

std::string_view Settings::network_of_pool(std::uint8_t pool) const {
  const auto& ids = pool_sources_[pool];
  const auto is_there = [&](std::uint16_t id) { return networks_[id] == networks_[ids.front()]; };
  if (ids.size() < 2 || !std::ranges::all_of(ids, is_there)) return {};
  return networks_[ids.front()];
}

std::optional<std::uint16_t> Settings::source_id(std::string_view name) const {
  const std::uint32_t id = source_names_.find(name);
  if (id == no_index) return std::nullopt;
  return static_cast<std::uint16_t>(id);
}

std::optional<std::uint16_t> Settings::source_at(std::uint16_t source) const {
  return source_at_[source];
}

// The most specific override wins: provider and source, then provider alone, then source alone.
const pacing::PathCaps& Settings::caps(std::uint16_t source,
                                       std::span<const std::string> provider_names) const {
  const pacing::PathCaps* best = &config_.caps;
  int best_rank = 0;
  for (const CapsOverride& row : config_.caps_overrides) {
    const bool names_provider = std::find(provider_names.begin(), provider_names.end(),
                                          row.provider) != provider_names.end();
    const bool names_source = row.source == source_names_[source];
    if (!names_provider && !row.provider.empty()) continue;
    if (!names_source && !row.source.empty()) continue;
    const int rank = (row.provider.empty() ? 0 : 2) + (row.source.empty() ? 0 : 1);
    if (rank <= best_rank) continue;
    best_rank = rank;
    best = &row.caps;
  }
  return *best;
}

bool Settings::overrides_name(std::string_view domain) const {
  return std::any_of(config_.caps_overrides.begin(), config_.caps_overrides.end(),
                     [&](const CapsOverride& row) { return row.provider == domain; });
}

std::int64_t Settings::urgency(std::uint8_t class_id, Instant since, Instant now) const {
  const std::int64_t ageing = std::max<std::int64_t>(1, config_.ageing.count());
  const std::int64_t waited = std::max<std::int64_t>(0, (now - since).count());
  const std::int64_t aged =
      message_class(class_id).priority * ageing + waited * config_.ageing_step;
  return rank(class_id) == pacing::Rank::urgent ? std::max(aged, least_urgent_)
                                                : std::min(aged, least_urgent_ - 1);
}

}  // namespace mailweir::engine
