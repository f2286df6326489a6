// The Settings are the configuration in force, with names resolved to small numbers that outlive a
// reload.
//
// Message classes, pools and sources get an id when their name is first seen; records keep the id,
// and a reload only changes what it stands for. What a reload has dropped stands for the default.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "engine/engine_config.h"
#include "engine/name_table.h"
#include "pacing/signal.h"

namespace mailweir::engine {

// How urgent a class is where a path is scarce: urgent from priority 80, or with a deadline of at
// most five minutes; bulk up to priority 30.
pacing::Rank rank_of(const MessageClass& message_class);

inline constexpr std::uint8_t pool_of_class = 255;  // the message names no pool: its class's

class Settings {
 public:
  explicit Settings(EngineConfig config);
  void replace(EngineConfig config);

  const EngineConfig& config() const { return config_; }

  std::uint8_t class_id(std::string_view name) const;  // unknown: the first class
  const MessageClass& message_class(std::uint8_t id) const {
    return config_.classes[class_at_[id]];
  }
  const std::string& class_name(std::uint8_t id) const { return class_names_[id]; }
  std::uint32_t class_ids() const { return class_names_.size(); }

  pacing::Rank rank(std::uint8_t class_id) const { return ranks_[class_id]; }
  bool has_urgent() const { return has_urgent_; }

  std::uint8_t pool_id(std::string_view name) const;  // empty or unknown: pool_of_class
  // The pool a message of that class and wish goes through.
  std::uint8_t effective_pool(std::uint8_t pool, std::uint8_t class_id) const;
  // Source ids of a pool, as effective_pool() gave it.
  std::span<const std::uint16_t> sources_of(std::uint8_t pool) const { return pool_sources_[pool]; }
  // The pool of that source alone, kept over reloads; nothing if there were too many sources to
  // have one each when it came.
  std::optional<std::uint8_t> pool_of_source(std::uint16_t source) const;
  bool pool_has(std::uint8_t pool, std::uint16_t source) const;
  // The /24 ("192.0.2.0/24") of the source's IPv4 address; empty without one.
  std::string_view network_of(std::uint16_t source) const { return networks_[source]; }
  // … that holds all sources of the pool, if there are several; else empty.
  std::string_view network_of_pool(std::uint8_t pool) const;
  std::span<const std::uint8_t> pools_of(std::uint16_t source) const {
    return source_pools_[source];
  }

  // Index into config().sources; empty: the source is no longer configured.
  std::optional<std::uint16_t> source_at(std::uint16_t source) const;
  std::optional<std::uint16_t> source_id(std::string_view name) const;
  const std::string& source_name(std::uint16_t source) const { return source_names_[source]; }
  std::uint16_t sources_known() const { return static_cast<std::uint16_t>(source_names_.size()); }

  // Caps of a path: the first override that names provider and source, else the first that names
  // the provider alone, else the first that names the source alone, else the common ones.
  // `provider_names` are the provider's key and the domains known to go there.
  const pacing::PathCaps& caps(std::uint16_t source,
                               std::span<const std::string> provider_names) const;
  bool overrides_name(std::string_view domain) const;

  // Who goes first: higher is more urgent. A class's priority plus what it has gained by waiting,
  // in µs of ageing; no wait lifts other mail over a class of the urgent rank.
  std::int64_t urgency(std::uint8_t class_id, Instant since, Instant now) const;

 private:
  void resolve_names();
  void make_own_pools();

  EngineConfig config_;
  NameTable class_names_;
  NameTable pool_names_;
  NameTable source_names_;
  std::vector<std::size_t> class_at_;                     // class id → index into config
  std::vector<pacing::Rank> ranks_;                       // by class id
  std::vector<std::vector<std::uint8_t>> source_pools_;   // source id → pool ids
  std::vector<std::vector<std::uint16_t>> pool_sources_;  // pool id → source ids
  std::vector<std::optional<std::uint16_t>> source_at_;   // source id → index into config
  std::vector<std::string> networks_;                     // by source id
  std::vector<std::optional<std::uint8_t>> own_pools_;    // by source id
  std::uint8_t default_pool_ = 0;
  bool has_urgent_ = false;        // some class is of the urgent rank
  std::int64_t least_urgent_ = 0;  // the urgency of the lowest such class; no bound without one
};

}  // namespace mailweir::engine
