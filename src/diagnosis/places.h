// The places a contact concerns, and what is remembered of each: a Pair for each source at a
// provider, and the scopes around it.
//
// A row is a run of failures that its own reaches have not outweighed. A stretch is the time since
// a wider scope was last reached by one that is well, i.e. by a Pair without a row.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "diagnosis/evidence_parts.h"

namespace mailweir::diagnosis {

// Whether the phase belongs to the opening of a session.
inline bool is_opening(Phase phase) {
  return phase <= Phase::auth;
}

// The first few different hosts of a run of failures.
using SomeHosts = std::array<std::uint32_t, 4>;
void blame(SomeHosts& hosts, std::uint32_t host);
inline std::size_t host_count(const SomeHosts& hosts) {
  return static_cast<std::size_t>(std::ranges::find(hosts, none) - hosts.begin());
}

// Of a Pair that fails. Snapshots are of the moment before the row began.
struct Row {
  Instant begin{};  // the first failure was told
  Instant first_started{};
  Instant last_tried{};  // a packet was sent, in vain
  Instant last_told{};
  Tally counts;
  Tally calm;       // of counts: what also went into Provider::calm
  Tally calm_open;  // … and calm_open
  Tally provider_then;
  Tally provider_calm_then;
  Tally provider_open_then;
  Tally source_then;
  double score = 0;
  SomeHosts hosts{none, none, none, none};  // different ones that failed
  Majority majority;
  bool openings_only = true;
  bool cuts_only = true;   // of TLS
  bool is_sudden = false;  // the pair had been reached all the time, and then no more
  bool is_queued = false;

  bool is_alarmed() const;
  void fail(const Contact& contact, double weight, Instant now);
  bool reach(const Contact& contact, double weight);  // true: the row is over
};

struct Pair {
  std::uint32_t source = none;
  std::uint32_t provider = none;
  std::uint32_t next = none;         // of the same provider
  std::uint32_t row = none;          // into State::rows
  std::uint32_t source_epoch = 0;    // counted in that stretch of the source
  std::uint32_t provider_epoch = 0;  // … of the provider
  std::uint32_t source_mark = 0;     // InUse
  std::uint32_t provider_mark = 0;
  std::uint32_t missed_host = none;  // the last that failed, if none was reached just before
  Usual usual;
  ReachSlots<2> reaches;  // two minutes
  Instant last_contact{};
  Instant last_reached{};
  double usual_gap = 0;  // seconds between reaches
  Instant asked{};
  Instant asked_early{};
  std::uint8_t asks = 0;  // since it was last reached
  Instant recovered{};
  Recovery recovery;

  void learn_gap(Instant now);
  bool is_silent(Instant now) const;  // for far longer than it ever is
};

struct Stretch {
  Instant begin{};  // the first failure was told; zero: none yet
  Instant first_started{};
  Instant last_tried{};
  Instant last_told{};
  Tally own_then;  // totals at the last good reach
  Tally all_then;
  std::uint32_t epoch = 1;
  std::uint32_t failed = 0;
  // Different ones that failed: sources of a provider, providers of a source; of all, both.
  std::uint32_t children = 0;
  std::array<std::uint32_t, 4> some{none, none, none, none};
  std::uint32_t sources = 0;
  std::uint32_t providers = 0;
  SomeHosts hosts{none, none, none, none};  // of a provider
  double score = 0;
  Majority majority;

  bool is_alarmed() const;
  void add_child(std::uint32_t child);
  void reset(const Tally& own, const Tally& all);
  void fail(const Contact& contact, double weight, Instant now);
  bool ease(double weight);  // true: nothing is left
};

// A source, a provider, or all there is.
struct Scope {
  Tally total;
  Stretch stretch;
  ReachTrace trace;
  Instant last_good{};
  Instant recovered{};
  InUse sources;
  InUse providers;
  InUse hosts;
  Recovery recovery;
  Instant asked{};              // of a source: to knock elsewhere …
  std::uint32_t hand = 0;       // … last at this provider
  std::uint32_t accused = 0;    // sources with a finding of their own: here, or (of all) anywhere
  std::uint32_t mark = 0;       // in the InUse of all
  std::uint32_t all_epoch = 0;  // counted in the stretch of all
  bool is_queued = false;
};

struct Provider : Scope {
  Tally calm;       // of pairs that are not alarmed
  Tally calm_open;  // of these: sessions opened, or not
  Tally at_hosts;   // of contacts whose host is known: of what is overdue it may not be yet
  Usual usual;
  Instant last_reached{};
  std::uint32_t first_pair = none;

  bool is_known() const { return last_reached != Instant{}; }
};

struct Host {
  std::uint32_t provider = none;
  std::uint32_t mark = 0;
  std::array<std::uint32_t, 2> sources{none, none};  // that failed in the row
  Instant begin{};
  Instant first_started{};
  Instant last_tried{};
  Instant last_told{};
  Instant last_reached{};
  Instant recovered{};
  Tally counts;
  Instant asked{};
  std::uint8_t asks = 0;  // since it was last reached
  Tally provider_then;
  std::uint32_t contrasts = 0;  // failures of a source that had just reached another host
  double score = 0;
  Usual usual;
  Majority majority;
  Recovery recovery;
  bool cuts_only = true;
  bool is_queued = false;

  bool has_row() const { return score > 0; }
  bool is_alarmed() const;
  void fail(const Contact& contact, const Tally& provider_before, double weight, Instant now);
  void reach(double weight, Instant now);
  void end_row();
};

struct Lookups {
  Tally total;
  Tally then;
  Instant begin{};
  Instant last_told{};
  double score = 0;
  Usual usual;
  Recovery recovery;
  bool is_queued = false;

  bool is_alarmed() const;
  void learn(bool answered, Instant now);
};

}  // namespace mailweir::diagnosis
