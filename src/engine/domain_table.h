// The DomainTable knows the domains that queued mail is for: their route, who waits for it, and how
// much is queued.
//
// A domain without mail is kept while its route is fresh, then forgotten. Indices are stable while
// a domain has recipients.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "engine/flat_index.h"
#include "engine/intrusive_list.h"

namespace mailweir::engine {

// How many recipients are in which state.
struct Tally {
  std::uint32_t ready = 0;
  std::uint32_t deferred = 0;
  std::uint32_t held = 0;
  std::uint32_t in_flight = 0;
  bool empty() const { return ready + deferred + held + in_flight == 0; }
};

enum class RouteState : std::uint8_t { unknown, asked, known };

struct Domain {
  std::string name;
  Tally tally;
  ListEnds waiting;  // recipients, for the route
  std::uint32_t next_hop = no_index;
  Instant route_expires{};
  Links idle;  // in the list of domains without mail
  Instant idle_since{};
  RouteState route = RouteState::unknown;
  bool is_idle = false;
};

class DomainTable {
 public:
  Domain& operator[](std::uint32_t index) { return domains_[index]; }
  const Domain& operator[](std::uint32_t index) const { return domains_[index]; }
  std::uint32_t find(std::string_view name) const;
  std::uint32_t intern(std::string_view name);
  std::uint32_t extent() const { return domains_.extent(); }  // a free slot has no name

  // The domain has lost its last recipient.
  void set_idle(std::uint32_t index, Instant now);
  void set_busy(std::uint32_t index);
  // The domain that may be forgotten: idle since before `horizon`, no look-up under way; no_index
  // if none. The caller lets go of its next hop and calls forget().
  std::uint32_t forgettable(Instant horizon) const;
  void forget(std::uint32_t index);

 private:
  Slab<Domain> domains_;
  FlatIndex index_;
  ListEnds idle_;  // longest idle first
};

}  // namespace mailweir::engine
