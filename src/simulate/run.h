// run() plays a scenario: a sender against receivers over a virtual network, in virtual time, with
// the checkers on. The same scenario and seed give the same bytes, in the event log and the result.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "senders/sender.h"
#include "simulate/atlas.h"
#include "simulate/result.h"
#include "simulate/scenario.h"
#include "simulate/trail.h"
#include "world/receiver.h"

namespace mailweir::simulate {

// Where the two sides come from; tests put their own in.
struct Cast {
  // Called at the start and after each crash. Borrows both; they outlive the sender.
  std::function<Result<std::unique_ptr<senders::Sender>>(const Scenario&, const Atlas&,
                                                         std::uint64_t seed)>
      make_sender;
  // Also for the oracle's twins, with the same seed.
  std::function<std::unique_ptr<world::Receiver>(const Provider&, std::uint64_t seed,
                                                 Instant start)>
      make_receiver;
};

// The sender that the scenario names ("mailweir": the engine) and the personalities it names.
Cast standard_cast();

struct RunOptions {
  std::uint64_t seed = 1;
  Trail::Sink events;  // takes the event log, in pieces; may be empty
  Cast cast = standard_cast();
};

// The error: the scenario cannot be played, e.g. there is no such sender.
Result<RunResult> run(const Scenario& scenario, const RunOptions& options);

// A clock time "17:03" as a span since midnight; zero for what is none.
Duration time_of_day(const std::string& text);

}  // namespace mailweir::simulate
