// The NextHopTable knows the places mail goes to, who runs them, and whether they can be reached at
// present.
//
// A Hop is an interned NextHop with its state; a Provider is what the hops of one operator have in
// common: the paths to it, and the queues that wait for a connection to it. Both vanish when no
// domain routes there and nothing is under way.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/flat_index.h"
#include "engine/intrusive_list.h"
#include "engine/order.h"
#include "engine/settings.h"
#include "provider/catalogue.h"

namespace mailweir::engine {

// What we know of a hop's being there. Only part of a path's connections may be spent on finding
// out, so that hops that hang leave room for those that work.
enum class Trust : std::uint8_t {
  proven,   // has answered inside a transaction, and nothing has failed since
  unknown,  // never tried to the end
  failing,  // could not be reached the last time
};
inline constexpr std::size_t trust_kinds = 3;

inline constexpr std::uint16_t no_source = 0xFFFF;

// Queues of one pool and class, at hops of equal trust, that wait for a connection to one provider;
// its lanes (tenants) take turns.
struct WaitGroup {
  std::uint8_t pool = 0;
  std::uint8_t message_class = 0;
  Trust trust = Trust::unknown;
  ListEnds lanes;
  std::uint64_t last_turn =
      0;           // when it last got a connection, counted in connections of the engine
  int misses = 0;  // since Opener::begin_round(): could not use the connection offered
};

struct Provider {
  std::vector<std::string> names;    // its key; then domains named in caps overrides that go there
  std::vector<std::uint32_t> paths;  // source id → path, no_index until used
  std::vector<WaitGroup> waits;
  std::uint32_t waiting = 0;                // queues in `waits`
  std::uint32_t ready = 0;                  // recipients in the queues of its hops
  std::vector<std::uint16_t> held_by_pool;  // paths that siblings stand in for, by pool id
  std::uint32_t hops = 0;
  bool is_ours = false;  // nothing but configured smarthosts
  bool changed = false;  // marked on the Agenda
  const std::string& key() const { return names.front(); }
};

struct Hop {
  std::shared_ptr<const NextHop> next_hop;
  std::uint32_t provider = no_index;
  std::uint32_t domains = 0;   // that route here
  std::uint32_t ready = 0;     // recipients in its queues
  std::uint32_t sessions = 0;  // opening, open or closing
  std::uint32_t opening = 0;
  std::uint32_t knocking = 0;    // of those opening: without mail, they may hang
  std::uint32_t hung = 0;        // of those knocking: they do, and their mail was taken back
  std::uint32_t unanswered = 0;  // sessions that have not yet given a reply inside a transaction
  std::uint32_t first_group = no_index;
  std::uint32_t last_queue = no_index;  // used last: a hint
  ListEnds queues;                      // all its queues, empty ones too
  ListEnds free_sessions;     // open, with room for a transaction; those without work first
  Instant answered_at{};      // last, inside a transaction
  Instant open_not_before{};  // back-off after it could not be reached
  Instant failing_since{};    // the first of `failures`
  Instant wake = never;       // armed timer
  Instant failed_at{};        // the failure of `failed_from`
  std::uint16_t failed_from = no_source;  // this source alone could not reach it: others first
  std::uint16_t failures = 0;             // in a row; 0: reachable as far as we know
  std::uint16_t recipients_max = 0xFFFF;  // a transaction, as its replies taught us
  bool proven = false;                    // has answered inside a transaction
  bool in_line = false;                   // its queues wait for a connection
  bool changed = false;                   // marked on the Agenda
  bool is_noted = false;                  // among NextHopTable::noted_failing()
  Trust trust() const {
    return failures > 0 ? Trust::failing : proven ? Trust::proven : Trust::unknown;
  }
};

class NextHopTable {
 public:
  NextHopTable(const provider::Catalogue& catalogue, const Settings& settings)
      : catalogue_(catalogue), settings_(settings) {}

  Slab<Hop> hops;
  Slab<Provider> providers;

  struct Target {
    std::vector<RouteFound::Host> hosts;
    std::uint16_t port = 25;
    bool is_smarthost = false;
    std::string provider;  // empty: the catalogue, or the hosts' own name
  };
  // The hop of an MX set, new or known. `domain` is remembered with the provider if a caps override
  // names it.
  std::uint32_t intern(Target target, std::string_view domain);
  std::uint32_t find_provider(std::string_view key) const;  // no_index: no mail goes there
  std::string provider_key(const Target& target) const;     // as intern() names it
  // The hop could not be reached, and could before.
  void note_failing(std::uint32_t hop, Instant now);
  // Those noted, each once; some may have been reached since.
  const std::vector<std::uint32_t>& noted_failing() const { return noted_failing_; }
  void forget(std::uint32_t hop);  // nothing refers to it; its queues and groups are gone
  void forget_provider(std::uint32_t provider);

 private:
  std::uint32_t intern_provider(const std::string& key);

  const provider::Catalogue& catalogue_;
  const Settings& settings_;
  std::vector<std::uint32_t> noted_failing_;
  static constexpr std::size_t noted_looked_at = 64;
  std::size_t drop_noted_at_ = noted_looked_at;
  FlatIndex hop_index_;
  FlatIndex provider_index_;
};

}  // namespace mailweir::engine
