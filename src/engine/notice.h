// What the engine tells people about its paths: the beginnings, steps and ends that incidents are
// made of (docs/events.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "engine/outcome.h"
#include "mail/reply.h"
#include "pacing/path_controller.h"

namespace mailweir::engine {

// Whose traffic preceded a hold.
struct NamedSuspect {
  std::string tenant;    // empty: nobody stands out
  std::string campaign;  // of it; empty: the tenant as a whole
  double share = 0.0;    // of the path's messages before the hold
  double growth = 0.0;   // its rate by its usual one; infinite: it was not there; 1: nobody knows
  double bounced = 0.0;  // share of its messages to mailboxes that do not exist
  double tenant_growth = 0.0;  // of a campaign: of its tenant with all its mail
};

// The refusal, or the silence, that a hold began with.
struct HoldBeginning {
  Instant at{};
  Phase phase = Phase::connect;
  Failure failure = Failure::none;
  Reply reply;  // code 0: none came
  std::string rule;
  NamedSuspect suspect;
};

struct Notice {
  enum class Kind : std::uint8_t {
    throttle_detected,  // a hold has begun: `cause`, with the reply or failure it rests on
    step,               // the pace was changed: from, to, why
    step_judged,        // what the step was good for
    probe,              // a canary came back
    recovered,          // the path is open again after a hold
    drained,            // nothing waits any more that a hold kept waiting
    diagnosed,          // who does not reach whom (src/diagnosis); `detail` says it
    cleared,            // … and no longer
    unknown_refusal,    // a refusal that no rule reads, seen for the first time
  };
  enum class Verdict : std::uint8_t {
    none,
    better,
    same,
    worse
  };  // of step_judged; of probe: better or worse

  Kind kind = Kind::step;
  std::string source;    // its name; empty: not one source
  std::string provider;  // its key; empty: not one provider
  std::string cell;  // "sender_domain example.com": narrower than the path; empty: the path itself
  std::string
      cause;  // "throttle", "block-list", "network"; of a diagnosis "ip-blocked", "provider-down" …
  double from = 0.0;  // messages per second; infinite: without a limit
  double to = 0.0;
  Verdict verdict = Verdict::none;
  std::uint32_t paths_held = 0;  // of the provider, at this moment
  std::uint32_t paths_used = 0;  // … that carried mail in the last hour, the held ones included
  double refused_share = 0.0;    // of the attempts on the path since the last step
  std::uint64_t waiting = 0;     // recipients ready for the provider
  Instant since{};               // the episode, or the step that is judged, began
  Phase phase = Phase::connect;
  Failure failure = Failure::none;
  Reply reply;       // verbatim; code 0: none came
  std::string rule;  // that read it; empty: none
  NamedSuspect suspect;
  std::string detail;  // for a person: why
};
std::string_view to_string(Notice::Kind kind);
std::string_view to_string(Notice::Verdict verdict);

// Keep what was learned of a path over a restart; given back by Engine::restore_path().
struct KeepPath {
  std::string source;
  std::string provider;
  std::string image;  // empty: forget it
};

}  // namespace mailweir::engine
