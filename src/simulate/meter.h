// The Meter counts what happens in a run, and makes the series and measures of a RunResult of it.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "engine/order.h"
#include "engine/outcome.h"
#include "mail/stored_message.h"
#include "simulate/delay_histogram.h"
#include "simulate/oracle.h"
#include "simulate/result.h"
#include "simulate/scenario.h"
#include "simulate/spell_watch.h"

namespace mailweir::simulate {

class Meter {
 public:
  // Borrows all. `step`: of the series.
  Meter(const Scenario& scenario, const Atlas& atlas, Oracle& oracle, SpellWatch& spells,
        Duration step, Instant origin);  // the run's beginning

  void accepted(std::uint8_t message_class, const std::vector<std::uint32_t>& domains);
  void settled(const engine::Settle& end, std::uint8_t message_class, std::uint32_t domain,
               Duration delay);
  // The ends so far are durable; or a crash forgot those since, each of which is told apart.
  void flushed();
  void crashed();
  void forgotten(const engine::Settle& end, std::uint8_t message_class, std::uint32_t domain);
  void connecting() { ++measures_.connections; }
  // `tries`: addresses that were tried.
  void connection_failed(std::uint32_t path, std::size_t tries, Instant now);
  void transaction(std::uint32_t path, const engine::TransactionDone& done, Instant now);

  // `is_held`: whether the sender holds a path.
  void on_step(Instant now, const std::function<bool(std::uint32_t path)>& is_held);
  void on_window(Instant now, const std::function<bool(std::uint32_t path)>& is_held);
  Duration step() const { return step_; }

  // All but names, rules and expectations.
  void fill(RunResult& result) const;

 private:
  struct Class {
    ClassResult result;
    DelayHistogram delays;
    ClassSample now;  // the step under way
    Duration delay_sum{};
  };
  struct Path {
    PathResult result;
    PathSample now;
  };

  // A delay, until its end is durable.
  using Key = std::pair<std::uint64_t, std::uint16_t>;  // message and recipient
  struct Sample {
    Key key;
    std::uint8_t message_class = 0;
    Duration delay{};
  };

  bool is_success(const engine::Settle& end) const;
  void step_oracle(Instant now);
  void step_class(Class& entry) const;
  void step_provider(std::uint16_t provider, Instant now);
  void step_path(std::uint32_t path, bool is_held, Instant now);

  const Atlas& atlas_;
  Oracle& oracle_;
  SpellWatch& spells_;
  Duration step_;
  Instant last_step_;
  Instant last_oracle_;
  Instant load_end_;
  bool keeps_paths_;
  std::uint64_t steps_ = 0;
  Measures measures_;
  Counts counts_;
  DelayHistogram delays_;
  std::vector<Sample> samples_;
  // Of deliveries that a crash forgot: the receiver had the message then, so that is its delay.
  std::map<Key, Duration> first_delays_;
  std::set<Key> penalty_bounces_;  // refused for good for the sender's sake: no end to be proud of
  std::vector<Class> classes_;
  std::vector<Path> providers_;
  std::vector<Path> paths_;
  std::vector<std::uint64_t> queued_;   // by provider
  std::vector<std::uint64_t> arrived_;  // by provider, since the oracle's last step
  std::uint64_t path_windows_ = 0;      // of paths that have series: seen, and held in them
  std::uint64_t path_windows_held_ = 0;
  // Of the curves of ended recipients: height and area below, in recipients × s.
  double height_ = 0;
  double area_ = 0;
  double oracle_height_ = 0;
  double oracle_area_ = 0;
  double load_area_ = 0;  // up to the end of the load
  double oracle_load_area_ = 0;
};

}  // namespace mailweir::simulate
