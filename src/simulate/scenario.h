// A Scenario is a world to be simulated: our sources and caps, the providers, the mail that is
// handed in, what goes wrong, and what is expected of it.
//
// Plain values; load_scenario.h reads them from TOML, tests write them by hand. Spans count from
// the start of the run. docs/simulator.md describes each.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/networks.h"
#include "base/time.h"
#include "base/units.h"
#include "engine/engine_config.h"
#include "simulate/incident.h"
#include "world/personality.h"

namespace mailweir::simulate {

// A name with its text, as the sender it belongs to understands it: "10/s", "0.5".
using Parameters = std::vector<std::pair<std::string, std::string>>;
// Names with weights; what is drawn is in proportion. Empty: all alike.
using Mix = std::vector<std::pair<std::string, double>>;

// A mailbox provider of the world: one Receiver, its domains, and the network to it.
struct Provider {
  std::string name;
  world::ReceiverSpec receiver;  // a personality, its parameters overridden
  std::string speaks_as;         // catalogue key whose rules read its replies; empty: general ones
  double share = 1;              // weight among the providers of a workload that names none
  std::uint32_t domains = 1;     // "d1.NAME.test" …, drawn alike
  std::uint16_t hosts = 1;       // MX hosts of equal preference
  bool separate_mx = false;      // each domain has MX names of its own, hence a next hop
  bool tls = true;               // offers STARTTLS
  Duration latency{std::chrono::milliseconds(20)};  // there and back
  double jitter = 0.1;                              // of each session: × 1 ± jitter
};

// Mail handed in. Arrivals of all kinds but a trace are drawn from the seed.
struct Workload {
  enum class Kind : std::uint8_t {
    rate,   // `rate`, at random moments (Poisson)
    share,  // `share` of the hidden limit at the start, summed over sources and providers
    burst,  // `messages` spread evenly over `within`; a broadcast is one from a cold pool
    trace,  // as recorded: `trace`
  };
  struct Arrival {
    Duration at{};
    std::string message_class;
    std::string domain;  // of a provider ("d1.NAME.test"), or a provider's name
  };

  std::string name;
  Kind kind = Kind::rate;
  Rate rate;
  double share = 0;
  std::uint64_t messages = 0;
  Duration within{};
  std::vector<Arrival> trace;  // by time
  Duration from{};
  std::optional<Duration> to;  // none: the end of the load
  // The rate follows the time of day: × 1 at the mean, × peak at `peak_at`; 1: constant.
  double peak = 1;
  Duration peak_at{std::chrono::hours(14)};
  Duration day{std::chrono::hours(24)};

  Mix classes;
  Mix tenants;
  Mix providers;
  std::string pool;  // empty: the class's
  std::uint16_t recipients = 1;
  std::uint32_t size = 8 * 1024;
  double spam = 0;  // share of messages that their recipients will complain of
  std::string sender_domain = "sender.example";
  std::string dkim_domain = "sender.example";
  std::string campaign;  // of its tenants; empty: none
};

struct Fault {
  enum class Kind : std::uint8_t {
    crash,   // the server is killed at `at` and is back after `takes`
    dns,     // look-ups fail from `at` to `to`, a `share` of them
    outage,  // hosts of the provider do not answer from `at` to `to`; sessions are cut
    clock,   // the wall clock jumps by `by`
    trip,    // the receiver's Control of the same name
    release,
    block,
    unblock,
  };
  Kind kind = Kind::crash;
  Duration at{};
  Duration to{};
  std::optional<Duration> every;  // instead of `at`: at random, this long apart in the mean
  Duration takes{std::chrono::seconds(5)};
  Duration by{};
  double share = 1;
  bool forgets = false;                // of a crash: what was kept of the paths is lost, too
  std::string provider;                // empty: all
  std::vector<std::uint16_t> hosts;    // indices; empty: all
  std::vector<std::uint16_t> sources;  // indices into engine.sources; empty: all
};

// What must hold for the run to pass. What is not given is not asked.
struct Expectation {
  std::string message_class;  // empty: of the whole run
  std::optional<Duration> delay_p50_max;
  std::optional<Duration> delay_p99_max;
  std::optional<Duration> delay_max;
  std::optional<double> delivered_share_min;  // of the recipients accepted
  std::optional<double> wasted_per_1000_max;  // whole run only, as all below
  std::optional<double> regret_percent_max;
  std::optional<std::uint64_t> trips_max;
  std::optional<std::uint64_t> healthy_burns_max;
  std::optional<Duration> drained_within;  // after the end of the load
};

struct Scenario {
  std::string file;  // for reports
  std::string title;
  std::uint64_t seed = 1;
  Duration length{std::chrono::hours(1)};  // of the load
  // The queue must be empty that long after load and faults have ended. None: the longest expiry
  // and an hour; zero: the run ends with the load and the queue may hold what it holds.
  std::optional<Duration> drain;
  std::string start = "00:00";  // clock time at the start, for reports only
  std::string sender = "mailweir";
  Parameters sender_parameters;
  engine::EngineConfig engine;  // sources, pools, classes, caps, retry
  std::vector<Provider> providers;
  std::vector<Workload> workloads;
  std::vector<Fault> faults;
  std::vector<Expectation> expectations;
  std::optional<Incident> incident;  // [incident]: onset and reference of a public report
};

}  // namespace mailweir::simulate
