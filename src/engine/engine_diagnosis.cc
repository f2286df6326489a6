// What follows from a diagnosis.
#include "engine/engine_state.h"

namespace mailweir::engine {
namespace {

constexpr Duration in_use = std::chrono::hours(1);

}  // namespace

void Engine::State::heed_diagnosis(Instant now) {
  if (!learns()) return;
  for (const diagnosis::Finding& finding : doctor.take_findings()) {
    if (finding.source == diagnosis::none) continue;  // there is no better way
    const auto source = static_cast<std::uint16_t>(finding.source);
    const std::string_view why = finding.cause == diagnosis::Cause::ip_blocked
                                     ? "the provider is silent to this source alone"
                                     : "this source reaches nobody";
    const auto hold = [&](std::uint32_t provider) {
      if (next_hops.providers[provider].names.empty()) return;
      const std::uint32_t path = dispatcher.paths().find(source, provider);
      if (path == no_index) return;
      const pacing::Pacer& pacer = *dispatcher.paths()[path].pacer;
      if (pacer.connections() == 0 && now - pacer.last_outcome() >= in_use) return;
      for (const std::uint32_t r :
           dispatcher.hold_path(path, pacing::HoldCause::network, why, now)) {
        requeue(r, now);
      }
    };
    if (finding.provider != diagnosis::none) {
      hold(finding.provider);
      continue;
    }
    for (std::uint32_t p = 0; p < next_hops.providers.extent(); ++p) hold(p);
  }
  for (const PathDoctor::Knock& knock : doctor.take_knocks(now))
    dispatcher.knock(knock.source, knock.hop, knock.host, now);
}

}  // namespace mailweir::engine
