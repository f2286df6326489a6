// What a run of the simulator found: plain values, of which tables, JSON and reports are made.
// Formulas: docs/simulator.md#measures.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "engine/notice.h"
#include "simulate/incident.h"

namespace mailweir::simulate {

// What the sender told people, and when, counted from the start of the run.
struct NoticeAt {
  Duration at{};
  engine::Notice notice;
};

// Recipients, unless the name says otherwise.
struct Counts {
  std::uint64_t messages = 0;  // accepted
  std::uint64_t accepted = 0;
  std::uint64_t delivered = 0;
  std::uint64_t bounced = 0;
  std::uint64_t expired = 0;
  std::uint64_t queued = 0;  // left at the end of the run
};

struct Delays {  // from acceptance to the recipient's 250
  std::uint64_t count = 0;
  Duration mean{};
  Duration p50{};
  Duration p99{};
  Duration max{};
};

struct Measures {
  std::uint64_t attempts = 0;  // recipient × transaction
  std::uint64_t refused =
      0;  // of these: tried again, for a 4xx, a 552 that asks for it, or no reply
  std::uint64_t connections = 0;         // sessions asked for
  std::uint64_t connections_failed = 0;  // of these
  std::uint64_t penalty_bounces = 0;     // refused for good by a receiver in penalty
  // Refused, failed connections and penalty bounces, per 1,000 delivered (1 at least).
  double wasted_per_1000 = 0;
  // Steps that receivers refused for the path's sake, as they themselves know it; and per 1,000
  // delivered.
  std::uint64_t path_refusals = 0;
  double path_wasted_per_1000 = 0;
  // Against an oracle that knows the hidden limits: areas under the curves of ended recipients, up
  // to the end of the load. None: the oracle could deliver nothing.
  std::optional<double> regret_percent;
  Duration regret_delay{};   // the same area, as mean extra delay of a recipient
  std::uint64_t trips = 0;   // of all sources at all providers
  double penalty_share = 0;  // of path time (source × provider), 0 … 1
  double held_share = 0;     // the same, held by the sender; 0 if the run keeps no series of paths
  // Spells of penalty that met traffic (docs/simulator.md#spells).
  std::uint64_t spells = 0;
  std::uint64_t spells_detected = 0;
  std::optional<Duration> detect_mean;
  std::optional<Duration> detect_max;
  std::uint64_t spells_ended = 0;
  std::uint64_t spells_recovered = 0;
  std::optional<Duration> recover_mean;
  std::optional<Duration> recover_max;
  std::uint64_t healthy_burns = 0;
  std::uint64_t crash_duplicates = 0;  // delivered again because a crash forgot the first time
  std::uint64_t lost_replies = 0;      // delivered again because the reply to the dot never came
};

// One point of a series: what happened in [at, at + step).
struct ClassSample {
  std::uint64_t accepted = 0;
  std::uint64_t delivered = 0;
  std::uint64_t queued = 0;  // at the end of the step
  Duration delay_mean{};     // of what was delivered in it
  Duration delay_max{};
};

struct PathSample {
  std::uint64_t accepted = 0;  // handed in; of a single source always 0
  std::uint64_t attempts = 0;
  std::uint64_t delivered = 0;
  std::uint64_t refused = 0;
  std::uint64_t queued = 0;     // at the end of the step; of a single source always 0
  double limit = 0;             // hidden, messages/s at the end of the step; infinite: no limit
  double oracle_delivered = 0;  // of a single source always 0
  double penalized = 0;         // share of the sources in penalty at the end of the step
  double held = 0;              // by the sender, at the end of the step: 1; of all sources always 0
};

struct ClassResult {
  std::string name;
  Counts counts;
  Delays delays;
  std::vector<ClassSample> series;
};

// All sources at one provider; or one source, named.
struct PathResult {
  std::string provider;
  std::string source;  // empty: all
  std::uint64_t accepted = 0;
  std::uint64_t attempts = 0;
  std::uint64_t delivered = 0;
  std::uint64_t refused = 0;
  std::uint64_t trips = 0;
  double penalty_share = 0;
  std::vector<PathSample> series;
};

// A broken rule: the run is a failure of the sender or of the simulator, whatever was expected.
struct Violation {
  Instant at{};  // since the start of the run
  std::uint64_t message = 0;
  std::uint16_t recipient = 0;
  std::string what;
  std::vector<std::string> last_events;  // oldest first; only of the first violation
};

struct RunResult {
  std::string file;
  std::string title;
  std::string sender;
  std::uint64_t seed = 0;
  std::string start;                      // clock time, "17:03"
  Duration length{};                      // of the load
  Duration lasted{};                      // load and drain
  std::optional<Duration> drained_after;  // the end of the load; none: not drained
  Duration step{};                        // of all series
  std::uint64_t events = 0;               // of the virtual network, a measure of the work done
  Counts counts;
  Delays delays;
  Measures measures;
  std::vector<ClassResult> classes;
  std::vector<PathResult> providers;
  std::vector<PathResult> paths;      // source × provider; empty when there are more than 64
  std::vector<Violation> violations;  // the first 20
  std::uint64_t violations_total = 0;
  std::vector<NoticeAt> notices;     // of the sender, by time
  std::vector<std::string> unmet;    // expectations, each as a sentence
  std::optional<Incident> incident;  // `ours` by find_incident_minutes()

  bool passed() const { return violations_total == 0 && unmet.empty(); }
};

}  // namespace mailweir::simulate
