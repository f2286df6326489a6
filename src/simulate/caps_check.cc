#include "simulate/caps_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mailweir::simulate {

void CapsCheck::Budget::fill(const std::optional<Rate>& rate) {
  is_limited = rate.has_value();
  if (!rate) return;
  const auto period = static_cast<double>(rate->period.count());
  const auto events = static_cast<double>(rate->events);
  per_us = events / period;
  // At most a second's worth, whole, at least one event; a shorter period its own number.
  const double second = rate->period <= std::chrono::seconds(1)
                            ? events
                            : std::floor(events / std::floor(period / 1e6));
  most = left = rate->events == 0 ? 0 : std::max(1.0, second);
}

bool CapsCheck::Budget::spend(Instant now) {
  if (!is_limited) return true;
  left = std::min(most, left + static_cast<double>((now - updated).count()) * per_us) - 1;
  updated = now;
  constexpr double rounding = 1e-3;
  return left >= -rounding;
}

const pacing::PathCaps& CapsCheck::caps_of(std::uint16_t source, const std::string& provider,
                                           const engine::EngineConfig& config) const {
  const pacing::PathCaps* best = &config.caps;
  int best_rank = 0;
  for (const engine::CapsOverride& row : config.caps_overrides) {
    const bool is_ours = (row.source.empty() || row.source == config.sources[source].name) &&
                         (row.provider.empty() || row.provider == provider);
    const int rank = (row.provider.empty() ? 0 : 2) + (row.source.empty() ? 0 : 1);
    if (!is_ours || rank <= best_rank) continue;
    best_rank = rank;
    best = &row.caps;
  }
  return *best;
}

CapsCheck::CapsCheck(const engine::EngineConfig& config, const std::vector<Provider>& providers,
                     Rules& rules)
    : rules_(rules) {
  const auto source_count = static_cast<std::uint16_t>(config.sources.size());
  for (std::uint16_t source = 0; source < source_count; ++source) {
    for (const Provider& provider : providers) {
      caps_.push_back(caps_of(source, provider.name, config));
      paths_.push_back({.caps = static_cast<std::uint32_t>(caps_.size() - 1)});
    }
  }
  restart({});
}

void CapsCheck::restart(Instant now) {
  for (Path& path : paths_) {
    path.connections = 0;
    path.connects = path.messages = Budget{.updated = now};
    path.connects.fill(caps_[path.caps].connection_rate);
    path.messages.fill(caps_[path.caps].message_rate);
  }
}

void CapsCheck::connection_begins(std::uint32_t index, Instant now) {
  Path& path = paths_[index];
  const pacing::PathCaps& caps = caps_[path.caps];
  if (++path.connections > caps.connections_max) {
    rules_.broken(now, 0, 0,
                  fmt::format("{} connections on a path whose cap is {}", path.connections,
                              caps.connections_max));
  }
  if (!path.connects.spend(now)) {
    rules_.broken(
        now, 0, 0,
        fmt::format("a connection beyond the path's {}", to_string(*caps.connection_rate)));
  }
}

void CapsCheck::message_begins(std::uint32_t index, std::uint32_t number, std::uint64_t message,
                               Instant now) {
  Path& path = paths_[index];
  const pacing::PathCaps& caps = caps_[path.caps];
  if (number > caps.messages_per_connection_max) {
    rules_.broken(now, message, 0,
                  fmt::format("message {} of a connection whose cap is {}", number,
                              caps.messages_per_connection_max));
  }
  if (!path.messages.spend(now)) {
    rules_.broken(now, message, 0,
                  fmt::format("a message beyond the path's {}", to_string(*caps.message_rate)));
  }
}

}  // namespace mailweir::simulate
