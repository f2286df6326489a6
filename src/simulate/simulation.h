// A Simulation is one run under way: the loop that lets events happen in their order, and carries
// orders and reports between the sender and the virtual world. For run.cc only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "simulate/caps_check.h"
#include "simulate/event_queue.h"
#include "simulate/hold_check.h"
#include "simulate/load.h"
#include "simulate/meter.h"
#include "simulate/oracle.h"
#include "simulate/rules.h"
#include "simulate/run.h"
#include "simulate/spell_watch.h"
#include "simulate/virtual_network.h"
#include "simulate/virtual_spool.h"

namespace mailweir::simulate {

class Simulation {
 public:
  // Borrows both.
  Simulation(const Scenario& scenario, const RunOptions& options);

  Result<RunResult> run();

 private:
  using Receivers = VirtualNetwork::Receivers;

  Receivers make_receivers() const;
  std::vector<double> limits_at_start() const;
  Result<void> start_sender();

  // simulation.cc: the loop
  void plan_beginning();
  void loop();
  bool is_over();
  void happen(const Event& event);
  void arrive(std::size_t workload);
  void hand_in(std::size_t workload, const Draft& draft);
  void tell(const MessageId& id, const Mail& mail, std::span<const MailRecipient> recipients,
            bool is_restored);
  void check_books();
  void finish(RunResult& result);

  // simulation_orders.cc: between sender and world
  void settle_down();
  void carry_out_orders();
  void carry_out(engine::Order& order);
  void report(const Report& report);
  void on_done(std::uint32_t path, const engine::TransactionDone& done);
  void on_settle(const engine::Settle& settle);
  bool is_held(std::uint32_t path) const;
  void on_record(const engine::RecordState& state);
  void on_notice(const engine::Notice& notice);
  void on_keep(const engine::KeepPath& order);
  void keep_paths();
  std::uint32_t find_path(std::string_view source, std::string_view provider) const;  // or no_path
  void plan_flush();

  // simulation_faults.cc
  void begin_fault(std::size_t fault);
  void end_fault(std::size_t fault);
  void crash(const Fault& fault);
  void restart();
  void control(std::size_t fault, world::Receiver::Control what);
  void set_span(std::size_t fault, bool begins);
  double dns_failing(std::uint16_t provider) const;
  bool is_out(std::uint16_t provider, std::uint16_t host) const;

  UnixTime wall_now() const;
  void note(TrailEntry entry) {
    entry.at = now_;
    trail_.add(entry);
  }

  const Scenario& scenario_;
  const RunOptions& options_;
  Instant origin_;
  Instant load_end_;
  Instant now_;
  Atlas atlas_;
  Trail trail_;
  Rules rules_;
  Receivers receivers_;
  Receivers twins_;
  EventQueue events_;
  VirtualSpool spool_;
  VirtualNetwork network_;
  CapsCheck caps_;
  HoldCheck holds_;
  struct KeptPath {
    engine::KeepPath order;
    Instant at{};
  };
  std::map<std::pair<std::string, std::string>, KeptPath> kept_paths_;  // by source and provider
  std::vector<KeptPath> paths_to_keep_;                                 // with the next flush
  std::vector<NoticeAt> notices_;
  Oracle oracle_;
  SpellWatch spells_;
  Meter meter_;
  Load load_;
  SeededRandom fault_random_;
  std::unique_ptr<senders::Sender> sender_;  // null while the server is down
  std::uint64_t generation_ = 0;             // of the server
  Duration wall_offset_{};
  Result<void> failure_;
  bool checks_caps_;
  bool is_flush_planned_ = false;
  std::size_t workloads_open_ = 0;
  std::vector<std::pair<std::size_t, Draft>> postponed_;  // came while the server was down
  Draft draft_;
  std::vector<engine::RecipientFacts> facts_;  // scratch
  std::vector<std::size_t> spans_;             // faults of `dns` and `outage` under way
  std::vector<std::string> unmet_;
  std::uint64_t spins_ = 0;
};

}  // namespace mailweir::simulate
