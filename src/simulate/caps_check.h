// The CapsCheck counts what a sender does on each path and says when a cap is exceeded. It knows
// the caps from the configuration and shares no code with the pacer that keeps them.
//
// In any window of length w at most w × rate and one second's worth may begin. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine_config.h"
#include "simulate/atlas.h"
#include "simulate/rules.h"

namespace mailweir::simulate {

class CapsCheck {
 public:
  // Borrows `rules`. Paths are numbered source × providers + provider.
  CapsCheck(const engine::EngineConfig& config, const std::vector<Provider>& providers,
            Rules& rules);

  void connection_begins(std::uint32_t path, Instant now);
  void connection_ends(std::uint32_t path) { --paths_[path].connections; }
  // The `number`-th message of its connection, from 1.
  void message_begins(std::uint32_t path, std::uint32_t number, std::uint64_t message, Instant now);
  // The server begins anew, and so do its budgets.
  void restart(Instant now);

 private:
  // Spends a budget that fills at a rate.
  struct Budget {
    bool is_limited = false;
    double per_us = 0;
    double most = 0;
    double left = 0;
    Instant updated{};

    void fill(const std::optional<Rate>& rate);
    bool spend(Instant now);
  };
  struct Path {
    std::uint32_t caps = 0;  // index
    std::uint32_t connections = 0;
    Budget connects;
    Budget messages;
  };
  const pacing::PathCaps& caps_of(std::uint16_t source, const std::string& provider,
                                  const engine::EngineConfig& config) const;

  Rules& rules_;
  std::vector<pacing::PathCaps> caps_;
  std::vector<Path> paths_;
};

}  // namespace mailweir::simulate
