// What is said of a run once it is over.
#include <fmt/format.h>

#include "simulate/expectations.h"
#include "simulate/simulation.h"

namespace mailweir::simulate {

void Simulation::finish(RunResult& result) {
  meter_.on_step(now_, [this](std::uint32_t path) { return is_held(path); });
  meter_.flushed();
  spells_.on_end();
  check_books();
  const bool is_drained = spool_.unsettled() == 0;
  const bool must_drain = !scenario_.drain || *scenario_.drain > Duration{};
  if (!is_drained && must_drain) {
    rules_.broken(now_, 0, 0,
                  fmt::format("{} recipients are still queued, {} after load and faults have ended",
                              spool_.unsettled(), to_string(now_ - load_end_)));
  }
  result.file = scenario_.file;
  result.title = scenario_.title;
  result.sender = scenario_.sender;
  result.seed = options_.seed;
  result.start = scenario_.start;
  result.length = scenario_.length;
  result.lasted = now_ - origin_;
  if (is_drained) result.drained_after = std::max(Duration{}, now_ - origin_ - scenario_.length);
  result.events = events_.planned();
  meter_.fill(result);
  result.measures.crash_duplicates = spool_.crash_duplicates();
  result.measures.lost_replies = spool_.lost_replies();
  result.violations = rules_.violations();
  result.violations_total = rules_.total();
  result.notices = std::move(notices_);
  result.unmet = std::move(unmet_);
  for (std::string& sentence : unmet_expectations(scenario_, result))
    result.unmet.push_back(std::move(sentence));
  result.incident = scenario_.incident;
  find_incident_minutes(result);
}

}  // namespace mailweir::simulate
