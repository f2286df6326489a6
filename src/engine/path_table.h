// The PathTable holds the EgressPaths in use: source × provider, with the pacer that says how fast.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/intrusive_list.h"
#include "engine/next_hop_table.h"
#include "engine/session_table.h"
#include "engine/settings.h"
#include "pacing/pacer.h"

namespace mailweir::engine {

struct Path {
  std::uint16_t source = 0;           // source id
  std::uint32_t provider = no_index;  // no_index: the slot is free
  std::optional<pacing::Pacer> pacer;
  std::uint32_t recipients_in_flight = 0;
  std::uint32_t opening = 0;
  std::array<std::uint32_t, trust_kinds> opening_by_trust{};  // of them, by the trust of their hop
  std::uint32_t closing = 0;                                  // close ordered
  std::uint64_t opened = 0;                                   // ever
  ListEnds idle;                       // open sessions without a transaction, longest idle first
  std::vector<std::uint32_t> starved;  // sessions that wait for a message permit
  Instant wake = never;                // armed timer

  // Whether a hop of that trust may be tried now: at most half of the connections go to hops that
  // are not proven, a quarter to failing ones.
  bool has_share_for(Trust trust) const;
};

class PathTable {
 public:
  PathTable(NextHopTable& next_hops, const Settings& settings)
      : next_hops_(next_hops), settings_(settings) {}

  Slab<Path, 6> paths;
  Path& operator[](std::uint32_t index) { return paths[index]; }
  const Path& operator[](std::uint32_t index) const { return paths[index]; }

  std::uint32_t find(std::uint16_t source, std::uint32_t provider) const;  // no_index: never used
  std::uint32_t intern(std::uint16_t source, std::uint32_t provider);
  const pacing::PathCaps& caps(std::uint16_t source, std::uint32_t provider) const;
  void refresh_caps(std::uint32_t provider, Instant now);
  // The paths of a provider that goes; none has a connection.
  void forget_provider(std::uint32_t provider);

 private:
  NextHopTable& next_hops_;
  const Settings& settings_;
};

}  // namespace mailweir::engine
