// A public report of an incident, and what this run would have put in its place: the minutes beside
// each other. All spans count from the onset.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace mailweir::simulate {

struct RunResult;

struct IncidentMinutes {
  std::optional<Duration> detected;     // somebody, or something, knew
  std::optional<Duration> cause_named;  // throttling was suspected as the cause
  std::optional<Duration> mitigated;    // the sending was changed
  std::optional<Duration> released;     // the refusals ended
  std::optional<Duration> drained;      // the last delayed message was delivered
  std::optional<Duration> worst_delay;
};

struct Incident {
  std::string source;  // of the reference, for people
  Duration onset{};    // since the start of the run
  IncidentMinutes reference;
  IncidentMinutes ours;
};

// What the run shows of it, in run.incident->ours. The first three are what the sender said of
// itself (run.notices), if it said anything since the onset:
//   detected             the first hold it told of
//   cause_named          the first such notice with the cause, the path and the share of the paths
//                        it concerns
//   mitigated            the first step down of a pace
// Of a sender that says nothing:
//   mitigated            the share of a provider's attempts that goes out through its throttled
//                        sources falls to half of what it was before the onset, for `kept_for`,
//                        while a penalty is on;
//                        empty if that never happens, or if the run keeps no series of paths
//   detected             as mitigated: a sender that acts has noticed, and no other sign is known
//   cause_named          empty
// Of all:
//   released             the last penalty ended
//   drained              the end of the last step in which something older than
//                        `delayed_at_least` was delivered; empty if the run ended with a queue
//   worst_delay          the longest of all classes
// Nothing happens if the run has no incident.
inline constexpr Duration kept_for = std::chrono::minutes(10);
inline constexpr Duration delayed_at_least = std::chrono::minutes(5);
void find_incident_minutes(RunResult& run);

struct IncidentRow {
  std::string_view en;
  std::string_view ja;
  std::optional<Duration> reference;
  std::optional<Duration> ours;
};
std::array<IncidentRow, 6> incident_rows(const Incident& incident);

}  // namespace mailweir::simulate
