// What the engine is told by configuration. Plain values; config/ fills them, tests write them by
// hand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "base/units.h"
#include "pacing/path_caps.h"

namespace mailweir::engine {

// One of our source IPs with the name it introduces itself by.
struct EgressAddress {
  std::string name;
  std::string ipv4;  // empty: the system chooses
  std::string ipv6;
  std::string ehlo_name;
  bool warming = false;  // without a history at the providers: smaller steps
};

struct EgressPool {
  std::string name;
  std::vector<std::uint16_t> sources;  // indices into EngineConfig::sources
};

struct MessageClass {
  std::string name;
  std::uint8_t priority = 50;             // 0 … 100, higher goes first
  Duration expiry{std::chrono::days(5)};  // beyond 49 days counts as 49 days
  Duration deadline{};                    // wanted delivered within; zero: none
  std::string pool;                       // egress pool; empty: the first
};

struct RetrySchedule {
  Duration first{std::chrono::minutes(1)};
  double factor = 2.0;
  Duration longest{std::chrono::hours(1)};
  double jitter = 0.2;  // each wait is multiplied by 1 ± jitter
};

// Mail for matching domains goes to these hosts, without a look-up.
struct StaticRoute {
  std::string domain;              // "example.com", "*.example.com", or "*" for all
  std::vector<std::string> hosts;  // "relay.example.net" or "192.0.2.1", tried in order
  std::uint16_t port = 25;
  std::string provider;  // what the hosts are called in views and metrics; empty: by their name
};

// A row that names the source goes before one that does not; among equals the first. A domain
// stands for the provider it is routed to.
struct CapsOverride {
  std::string provider;  // catalogue key, or a domain; empty: every provider
  std::string source;    // source name; empty: every source
  pacing::PathCaps caps;
};

// What the learning pacer starts from (docs/pacing.md).
struct PacingSettings {
  bool learns = false;  // false: the fixed caps alone, and a refusal moves only its message
  // Of a path nothing is known about; none: it grows freely until the first refusal.
  std::optional<Rate> start_rate{Rate{5, std::chrono::seconds(1)}};
};

struct EngineConfig {
  std::vector<EgressAddress> sources;  // at least one
  std::vector<EgressPool> pools;       // at least one; the first is the default
  std::vector<MessageClass> classes;   // at least one; the first is the default
  std::vector<StaticRoute> routes;     // first match wins
  RetrySchedule retry;
  pacing::PathCaps caps;  // of every path that no override names
  std::vector<CapsOverride> caps_overrides;
  PacingSettings pacing;
  std::uint16_t recipients_per_transaction_max = 100;
  std::uint16_t mx_port = 25;
  std::uint16_t transactions_ahead = 3;  // ordered but unanswered per session
  Duration session_idle_max{std::chrono::seconds(5)};
  Duration ageing{
      std::chrono::minutes(10)};  // waiting this long is worth `ageing_step` of priority
  std::uint8_t ageing_step = 10;
  Duration site_backoff_first{
      std::chrono::seconds(30)};  // after a next hop could not be reached at all
  Duration site_backoff_max{std::chrono::minutes(30)};
  Duration route_ttl_max{std::chrono::hours(1)};
};

}  // namespace mailweir::engine
