#include "engine/suspects.h"

#include <algorithm>
#include <limits>

namespace mailweir::engine {
namespace {

using namespace std::chrono_literals;

constexpr Duration recent_memory = 10min;
constexpr Duration ordinary_memory = 6h;
constexpr Duration decay_step = 15s;  // coarse: no exp() for each message
constexpr double share_min = 0.3;
constexpr double growth_min = 2.0;
constexpr double bounces_min = 0.1;
constexpr float messages_min = 10.0F;

float kept(Duration elapsed, Duration memory) {
  // (1 - step/memory)^n by squaring, the same on every machine.
  auto steps = static_cast<std::uint64_t>(elapsed / decay_step);
  float factor = 1.0F - static_cast<float>(decay_step.count()) / static_cast<float>(memory.count());
  float result = 1.0F;
  for (; steps > 0 && result > 0.0F; steps >>= 1) {
    if ((steps & 1) != 0) result *= factor;
    factor *= factor;
  }
  return result;
}

}  // namespace

void Suspects::decay(Tracks& tracks, Instant now) {
  if (tracks.updated == Instant{}) tracks.updated = tracks.first = now;
  const Duration elapsed = now - tracks.updated;
  if (elapsed < decay_step) return;
  const float recent = kept(elapsed, recent_memory);
  const float ordinary = kept(elapsed, ordinary_memory);
  for (Counter& counter : tracks.counters) {
    counter.recent *= recent;
    counter.bounced *= recent;
    counter.ordinary *= ordinary;
  }
  tracks.recent *= recent;
  tracks.updated += elapsed / decay_step * decay_step;
}

void Suspects::sent(std::uint32_t path, std::uint32_t tenant, Instant now) {
  if (path >= tracks_.size()) tracks_.resize(path + 1U);
  Tracks& tracks = tracks_[path];
  decay(tracks, now);
  tracks.recent += 1.0F;
  Counter* least = tracks.counters.data();
  for (Counter& counter : tracks.counters) {
    if (counter.tenant == tenant && counter.ordinary > 0.0F) {
      counter.recent += 1.0F;
      counter.ordinary += 1.0F;
      return;
    }
    if (counter.recent < least->recent) least = &counter;
  }
  // The newcomer inherits the place of the least: an upper bound, so that no heavy one is missed.
  *least = {.tenant = tenant, .recent = least->recent + 1.0F, .ordinary = 1.0F, .bounced = 0.0F};
}

void Suspects::bounced(std::uint32_t path, std::uint32_t tenant) {
  if (path >= tracks_.size()) return;
  for (Counter& counter : tracks_[path].counters) {
    if (counter.tenant == tenant && counter.ordinary > 0.0F) counter.bounced += 1.0F;
  }
}

std::optional<Suspect> Suspects::of(std::uint32_t path, Instant now) const {
  if (path >= tracks_.size()) return std::nullopt;
  Tracks tracks = tracks_[path];
  decay(tracks, now);
  if (tracks.recent < messages_min) return std::nullopt;
  std::optional<Suspect> best;
  double best_weight = 0.0;
  for (const Counter& counter : tracks.counters) {
    if (counter.recent < messages_min / 2) continue;
    Suspect suspect;
    suspect.tenant = counter.tenant;
    suspect.share = std::min(1.0, static_cast<double>(counter.recent) / tracks.recent);
    // What came before the last ten minutes, at the same pace over ten minutes.
    const double known = std::min<double>(static_cast<double>((now - tracks.first).count()),
                                          static_cast<double>(ordinary_memory.count()));
    const double before = std::max(0.0, static_cast<double>(counter.ordinary - counter.recent));
    const double earlier = known - static_cast<double>(recent_memory.count());
    const double usual =
        earlier <= 0 ? 0.0 : before * static_cast<double>(recent_memory.count()) / earlier;
    suspect.growth = usual < 0.5 ? std::numeric_limits<double>::infinity()
                                 : static_cast<double>(counter.recent) / usual;
    suspect.usual_rate = usual * 1e6 / static_cast<double>(recent_memory.count());
    suspect.recipients_refused =
        static_cast<double>(counter.bounced) / static_cast<double>(counter.recent);
    const bool grew = suspect.growth >= growth_min && earlier > 0;
    const bool bounces = suspect.recipients_refused >= bounces_min;
    if ((suspect.share < share_min || !grew) && !bounces) continue;
    const double weight = suspect.share * (1.0 + 5.0 * suspect.recipients_refused);
    if (weight <= best_weight) continue;
    best_weight = weight;
    best = suspect;
  }
  return best;
}

void Suspects::forget(std::uint32_t path) {
  if (path < tracks_.size()) tracks_[path] = {};
}

}  // namespace mailweir::engine
