#include "server/siblings.h"

namespace mailweir::server {
namespace {

constexpr Duration kept_back_after = std::chrono::seconds(10);

}  // namespace

bool is_held(const engine::PathView& path) {
  return path.learned && path.learned->mode == pacing::Mode::held;
}

Siblings::Siblings(const std::vector<engine::PathView>& paths, const engine::Engine& engine,
                   const relay::PathRecorder& recorder, Instant now)
    : engine_(engine), recorder_(recorder), now_(now) {
  for (const engine::PathView& path : paths) {
    Count& count = counts_[path.provider];
    if (is_held(path)) {
      ++count.held;
    } else if (!path.is_paused) {
      count.open.push_back(path.source);
    }
  }
}

console::ExplainedPath Siblings::explain(const std::string& source, const std::string& provider) {
  console::ExplainedPath explained{.path = engine_.explain(source, provider, now_),
                                   .hold_began = {}};
  const engine::PathExplanation& path = explained.path;
  const bool self_held = path.learned && path.learned->mode == pacing::Mode::held;
  if (path.learned && path.learned->mode != pacing::Mode::open) {
    if (const auto* began = recorder_.hold_began(source, provider); began != nullptr)
      explained.hold_began = *began;
  }
  const auto found = counts_.find(provider);
  if (found == counts_.end()) return explained;
  Count& count = found->second;
  find_kept_back(count, provider);
  const bool self_open = path.is_used && !self_held && !path.is_paused;
  explained.siblings_open = static_cast<std::uint32_t>(count.open.size()) - (self_open ? 1 : 0);
  explained.siblings_held = count.held - (self_held ? 1 : 0);
  explained.siblings_kept_back = static_cast<std::uint32_t>(count.kept_back->size()) -
                                 (count.kept_back->contains(source) ? 1 : 0);
  return explained;
}

// An open path need not carry on: a count may be used up for minutes. Within seconds each pace
// waits, and what waits for an answer moves.
void Siblings::find_kept_back(Count& count, const std::string& provider) const {
  if (count.kept_back) return;
  count.kept_back.emplace();
  for (const std::string& source : count.open) {
    const engine::PathExplanation path = engine_.explain(source, provider, now_);
    const bool is_bound = !path.next.is_free() && path.next_move != never;
    const bool awaits_answers = path.next.binding == pacing::Binding::ramp && path.in_flight > 0;
    if (is_bound && !awaits_answers && path.next_move - now_ > kept_back_after)
      count.kept_back->insert(source);
  }
}

}  // namespace mailweir::server
