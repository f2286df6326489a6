#include "engine/suspects.h"

#include <algorithm>
#include <limits>

#include "engine/ledger.h"
#include "engine/notice.h"

namespace mailweir::engine {
namespace {

using namespace std::chrono_literals;

constexpr Duration recent_memory = 10min;
constexpr Duration ordinary_memory = 6h;
constexpr Duration decay_step = 15s;  // coarse: no exp() for each message
constexpr double share_min = 0.3;
constexpr double growth_min = 2.0;
constexpr double bounces_min = 0.1;
constexpr double most_of_it = 0.7;  // of what the tenant is suspected for
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

double weight_of(const Suspects::Suspect& suspect) {
  return suspect.share * (1.0 + 5.0 * suspect.recipients_refused);
}

bool has_grown(const Suspects::Suspect& suspect) {
  return suspect.share >= share_min && suspect.growth >= growth_min;
}

// Whether the campaign accounts for what its tenant is suspected for.
bool explains(const Suspects::Suspect& campaign, const Suspects::Suspect& tenant) {
  if (has_grown(tenant)) return campaign.share >= most_of_it * tenant.share;
  return campaign.share * campaign.recipients_refused >=
         most_of_it * tenant.share * tenant.recipients_refused;
}

}  // namespace

void Suspects::decay(Tracks& tracks, Instant now) {
  if (tracks.updated == Instant{}) tracks.updated = tracks.first = now;
  const Duration elapsed = now - tracks.updated;
  if (elapsed < decay_step) return;
  const float recent = kept(elapsed, recent_memory);
  const float ordinary = kept(elapsed, ordinary_memory);
  for (const auto counters : {std::span<Counter>(tracks.tenants), std::span(tracks.campaigns)}) {
    for (Counter& counter : counters) {
      counter.recent *= recent;
      counter.bounced *= recent;
      counter.ordinary *= ordinary;
    }
  }
  tracks.recent *= recent;
  tracks.updated += elapsed / decay_step * decay_step;
}

void Suspects::count(std::span<Counter> counters, Sender sender) {
  Counter* least = &counters.front();
  for (Counter& counter : counters) {
    if (counter.sender == sender && counter.ordinary > 0.0F) {
      counter.recent += 1.0F;
      counter.ordinary += 1.0F;
      return;
    }
    if (counter.recent < least->recent) least = &counter;
  }
  // The newcomer inherits the place of the least: an upper bound, so that no heavy one is missed.
  *least = {.sender = sender, .recent = least->recent + 1.0F, .ordinary = 1.0F, .bounced = 0.0F};
}

void Suspects::sent(std::uint32_t path, Sender sender, Instant now) {
  if (path >= tracks_.size()) tracks_.resize(path + 1U);
  Tracks& tracks = tracks_[path];
  decay(tracks, now);
  tracks.recent += 1.0F;
  count(tracks.tenants, {sender.tenant, 0});
  if (sender.campaign == 0) return;
  tracks.campaigns.resize(counters_each);
  count(tracks.campaigns, sender);
}

void Suspects::bounced(std::uint32_t path, Sender sender) {
  if (path >= tracks_.size()) return;
  Tracks& tracks = tracks_[path];
  for (Counter& counter : tracks.tenants) {
    if (counter.sender.tenant == sender.tenant && counter.ordinary > 0.0F) counter.bounced += 1.0F;
  }
  for (Counter& counter : tracks.campaigns) {
    if (counter.sender == sender && counter.ordinary > 0.0F) counter.bounced += 1.0F;
  }
}

Suspects::Suspect Suspects::judge(const Counter& counter, const Tracks& tracks, Instant now) {
  Suspect suspect;
  suspect.sender = counter.sender;
  suspect.share = std::min(1.0, static_cast<double>(counter.recent) / tracks.recent);
  // What came before the last ten minutes, at the same pace over ten minutes.
  const double known = std::min<double>(static_cast<double>((now - tracks.first).count()),
                                        static_cast<double>(ordinary_memory.count()));
  const double before = std::max(0.0, static_cast<double>(counter.ordinary - counter.recent));
  const double earlier = known - static_cast<double>(recent_memory.count());
  const double usual =
      earlier <= 0 ? 0.0 : before * static_cast<double>(recent_memory.count()) / earlier;
  suspect.growth = earlier <= 0  ? 1.0  // nobody knows
                   : usual < 0.5 ? std::numeric_limits<double>::infinity()
                                 : static_cast<double>(counter.recent) / usual;
  suspect.usual_rate = usual * 1e6 / static_cast<double>(recent_memory.count());
  suspect.recipients_refused =
      static_cast<double>(counter.bounced) / static_cast<double>(counter.recent);
  return suspect;
}

std::optional<Suspects::Suspect> Suspects::heaviest(std::span<const Counter> counters,
                                                    std::optional<std::uint32_t> tenant,
                                                    const Tracks& tracks, Instant now) {
  std::optional<Suspect> best;
  for (const Counter& counter : counters) {
    if (counter.recent < messages_min / 2) continue;
    if (tenant && counter.sender.tenant != *tenant) continue;
    const Suspect suspect = judge(counter, tracks, now);
    if (!has_grown(suspect) && suspect.recipients_refused < bounces_min) continue;
    if (!best || weight_of(suspect) > weight_of(*best)) best = suspect;
  }
  return best;
}

std::optional<Suspects::Suspect> Suspects::of(std::uint32_t path, Instant now) const {
  if (path >= tracks_.size()) return std::nullopt;
  Tracks tracks = tracks_[path];
  decay(tracks, now);
  if (tracks.recent < messages_min) return std::nullopt;
  std::optional<Suspect> best = heaviest(tracks.tenants, std::nullopt, tracks, now);
  // No campaign of another tenant stands before one that has grown.
  const auto its = best ? std::optional(best->sender.tenant) : std::nullopt;
  const std::optional<Suspect> campaign = heaviest(tracks.campaigns, its, tracks, now);
  if (campaign && (!best || explains(*campaign, *best))) best = campaign;
  if (!best) return best;
  const auto tenant =
      std::ranges::find(tracks.tenants, Sender{best->sender.tenant, 0}, &Counter::sender);
  if (tenant != tracks.tenants.end()) {
    const Suspect whole = judge(*tenant, tracks, now);
    best->tenant_growth = whole.growth;
    best->tenant_usual_rate = whole.usual_rate;
  }
  return best;
}

void Suspects::forget(std::uint32_t path) {
  if (path < tracks_.size()) tracks_[path] = {};
}

NamedSuspect name_suspect(const Suspects::Suspect& suspect, const Ledger& ledger) {
  const auto [tenant, campaign] = suspect.sender;
  return {.tenant = ledger.tenants[tenant],
          .campaign = std::string(ledger.campaign_name(campaign)),
          .share = suspect.share,
          .growth = suspect.growth,
          .bounced = suspect.recipients_refused,
          .tenant_growth = suspect.tenant_growth};
}

}  // namespace mailweir::engine
