#include "simulate/run.h"

#include "senders/make_sender.h"
#include "simulate/engine_sender.h"
#include "simulate/simulation.h"

namespace mailweir::simulate {
namespace {

Result<std::unique_ptr<senders::Sender>> make_sender(const Scenario& scenario, const Atlas& atlas,
                                                     std::uint64_t seed) {
  if (scenario.sender == "mailweir")
    return std::make_unique<EngineSender>(scenario.engine, atlas.catalogue(), seed);
  return senders::make_sender(scenario.sender, scenario.sender_parameters, scenario.engine,
                              atlas.catalogue());
}

std::unique_ptr<world::Receiver> make_receiver(const Provider& provider, std::uint64_t seed,
                                               Instant start) {
  return world::make_receiver(provider.receiver, seed, start);
}

}  // namespace

Cast standard_cast() {
  return {.make_sender = make_sender, .make_receiver = make_receiver};
}

Result<RunResult> run(const Scenario& scenario, const RunOptions& options) {
  return Simulation(scenario, options).run();
}

Duration time_of_day(const std::string& text) {
  const auto digit = [&](std::size_t at) { return static_cast<unsigned>(text[at] - '0'); };
  if (text.size() != 5 || text[2] != ':') return {};
  for (const std::size_t at : {0U, 1U, 3U, 4U}) {
    if (digit(at) > 9) return {};
  }
  const unsigned hours = digit(0) * 10 + digit(1);
  const unsigned minutes = digit(3) * 10 + digit(4);
  if (hours > 23 || minutes > 59) return {};
  return std::chrono::hours(hours) + std::chrono::minutes(minutes);
}

}  // namespace mailweir::simulate
