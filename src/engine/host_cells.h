// HostCells hold what is known of single MX hosts: one that refuses for its own sake, or does not
// answer while another host of the same next hop does, comes last in new sessions until a canary
// shows better.
//
// A cell is source × provider × host. It is opened by such evidence alone; a path without cells
// costs nothing. Each is a PathController: what counts are the messages in sessions to that host,
// and the sessions that are opened to look after a held one. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/last_refusal.h"
#include "engine/outcome.h"
#include "engine/slab.h"
#include "pacing/path_controller.h"

namespace mailweir::engine {

// Before the names of host and source where else the name of a source stands (KeepPath).
inline constexpr std::string_view host_mark = "@mx_host ";

struct HostCell {
  std::uint32_t path = no_index;  // no_index: the slot is free
  std::string host;
  std::optional<pacing::PathController> controller;
  std::uint32_t attempts = 0;  // under way
  Instant used{};
  LastRefusal last;
};

class HostCells {
 public:
  using Hosts = std::span<const RouteFound::Host>;

  bool has_any(std::uint32_t path) const {
    return path < of_path_.size() && !of_path_[path].empty();
  }
  bool empty() const { return count_ == 0; }
  HostCell& operator[](std::uint32_t cell) { return cells_[cell]; }
  const HostCell& operator[](std::uint32_t cell) const { return cells_[cell]; }

  std::uint32_t find(std::uint32_t path, std::string_view host) const;  // no_index: there is none
  // Whether that host has a cell, or may get one: there are 10,000 at most.
  bool has_room(std::uint32_t path, std::string_view host) const;
  // Opens one, or finds it; no_index: there is no room. Drops cells of the path that were open and
  // unused for a day.
  std::uint32_t intern(std::uint32_t path, std::string_view host,
                       const pacing::LearningSettings& settings, Instant now);

  // Whether it is held because it was silent.
  bool is_silent(std::uint32_t cell, Instant now) const { return is_silent(cells_[cell], now); }
  // Whether the host stands out: held, or not yet verified after a hold.
  bool stands_out(std::uint32_t path, std::string_view host) const;
  // Those of the hosts to which no message may start now.
  std::vector<std::string> shut(std::uint32_t path, Hosts hosts, Instant now) const;
  // When something may start to one of them; `now`: at once.
  Instant open_at(std::uint32_t path, Hosts hosts, Instant now) const;
  // A host that was silent is looked after without mail, which could hang there; one that refused
  // is asked with a message.
  enum class CanaryKind : std::uint8_t { knock, message };
  // The host whose canary of that kind comes next, and when; `never`: none is held, or it is on its
  // way.
  struct Canary {
    std::uint32_t cell = no_index;
    Instant at = never;
  };
  Canary next_canary(std::uint32_t path, Hosts hosts, CanaryKind kind, Instant now);
  // When the next message may start in a session to that host; `now` or earlier: at once.
  Instant start_at(std::uint32_t cell, pacing::Rank rank, Instant now);

  void begin(std::uint32_t cell, Instant now);
  pacing::Change end(std::uint32_t cell, const pacing::Attempt& attempt, Instant now);

  // The path goes, or all that was learned of it; a cell with attempts under way begins anew.
  void forget_path(std::uint32_t path, const pacing::LearningSettings& settings, Instant now);
  // Drops the path's cells that never held anything: what they counted was the path's own trouble.
  void clear_doubts(std::uint32_t path);
  template <class Visit>
  void each_of(std::uint32_t path, Visit visit) const {
    if (!has_any(path)) return;
    for (const std::uint32_t cell : of_path_[path]) visit(cells_[cell]);
  }

 private:
  static bool is_silent(const HostCell& cell, Instant now);
  static Instant open_at(const HostCell& cell, Instant now);
  template <class Condition>
  void drop_if(std::uint32_t path, Condition condition);

  Slab<HostCell, 4> cells_;
  std::vector<std::vector<std::uint32_t>> of_path_;
  std::size_t count_ = 0;
};

}  // namespace mailweir::engine
