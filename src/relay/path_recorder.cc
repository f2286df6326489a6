#include "relay/path_recorder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace mailweir::relay {
namespace {

using engine::Notice;
using operations::PathAction;

bool has_rates(Notice::Kind kind) {
  switch (kind) {
    case Notice::Kind::throttle_detected:
    case Notice::Kind::step:
    case Notice::Kind::step_judged:
    case Notice::Kind::recovered:
      return true;
    case Notice::Kind::probe:
    case Notice::Kind::drained:
    case Notice::Kind::diagnosed:
    case Notice::Kind::cleared:
    case Notice::Kind::unknown_refusal:
      return false;
  }
  return false;
}

std::string_view all_if_empty(std::string_view name) {
  return name.empty() ? std::string_view("*") : name;
}

std::string rate_text(double per_second) {
  return std::isfinite(per_second) ? fmt::format("{:.3g}/s", per_second) : "no limit";
}

std::string knowledge(const engine::PathExplanation& path) {
  if (!path.learned) return "what an earlier run had kept";
  const pacing::LearnedState& state = *path.learned;
  std::string text = fmt::format("{}, {} {}", to_string(state.mode),
                                 state.is_pace_learned ? "learned pace" : "no pace learned, up to",
                                 rate_text(state.own_pace));
  if (state.sustained > 0) text += fmt::format(", carried {}", rate_text(state.sustained));
  if (std::isfinite(state.refused))
    text += fmt::format(", refused at {}", rate_text(state.refused));
  return text + fmt::format(", {} at once, {} holds", state.concurrency, state.episodes);
}

// "; 2 single hosts: mx1.example, mx2.example"
std::string hosts_text(const std::vector<std::string>& hosts) {
  constexpr std::size_t hosts_named = 8;
  if (hosts.empty()) return {};
  const auto named = std::span(hosts).first(std::min(hosts_named, hosts.size()));
  return fmt::format("; {} single host{}: {}{}", hosts.size(), hosts.size() == 1 ? "" : "s",
                     fmt::join(named, ", "), named.size() < hosts.size() ? ", …" : "");
}

}  // namespace

UnixTime PathRecorder::wall_at(Instant time) const {
  return clock_.wall_now() + (time - clock_.now());
}

void PathRecorder::noticed(const Notice& notice) {
  operations::PathNoticed event{
      .type = to_string(notice.kind),
      .source = notice.source,
      .provider = notice.provider,
      .cell = notice.cell,
      .cause = notice.cause,
      .has_rates = has_rates(notice.kind),
      .from = notice.from,
      .to = notice.to,
      .verdict = notice.verdict == Notice::Verdict::none ? "" : to_string(notice.verdict),
      .paths_held = notice.paths_held,
      .paths_used = notice.paths_used,
      .refused_share = notice.refused_share,
      .waiting = notice.waiting,
      .phase = notice.phase,
      .failure = notice.failure == engine::Failure::none ? "" : to_string(notice.failure),
      .reply = notice.reply.code == 0 ? nullptr : &notice.reply,
      .rule = notice.rule,
      .suspect = notice.suspect.tenant,
      .suspect_campaign = notice.suspect.campaign,
      .suspect_share = notice.suspect.share,
      .suspect_growth = notice.suspect.growth,
      .suspect_bounced = notice.suspect.bounced,
      .suspect_tenant_growth = notice.suspect.tenant_growth,
      .detail = notice.detail};
  if (notice.since != Instant{}) event.since = wall_at(notice.since);
  log_.record(clock_.wall_now(), event);
  if (notice.cell.empty()) remember_hold(notice);
  if (notice.kind == Notice::Kind::throttle_detected)
    metrics_.holds_begun.with({notice.provider, notice.cause}).add();
  if (notice.kind == Notice::Kind::recovered)
    metrics_.holds_ended.with({notice.provider, notice.cause}).add();
  if (notice.kind == Notice::Kind::probe) {
    const bool accepted = notice.verdict == Notice::Verdict::better;
    metrics_.canaries.with({notice.provider, accepted ? "accepted" : "refused"}).add();
  }
}

void PathRecorder::remember_hold(const Notice& notice) {
  if (notice.kind == Notice::Kind::recovered) holds_.erase({notice.source, notice.provider});
  if (notice.kind != Notice::Kind::throttle_detected) return;
  holds_.insert_or_assign({notice.source, notice.provider},
                          engine::HoldBeginning{notice.since, notice.phase, notice.failure,
                                                notice.reply, notice.rule, notice.suspect});
}

const engine::HoldBeginning* PathRecorder::hold_began(const std::string& source,
                                                      const std::string& provider) const {
  const auto found = holds_.find({source, provider});
  return found == holds_.end() ? nullptr : &found->second;
}

void PathRecorder::refused(const provider::Catalogue& catalogue, std::string_view provider,
                           Phase phase, const Reply& reply) {
  if (!reply.is_transient() && !reply.is_permanent()) return;
  if (!catalogue.classify(provider, phase, reply).is_unknown()) return;
  if (unknown_.add(provider, reply, clock_.wall_now())) {
    Notice notice;
    notice.kind = Notice::Kind::unknown_refusal;
    notice.provider = provider;
    notice.phase = phase;
    notice.reply = reply;
    notice.detail = "no rule reads this; see `mailweir unknown`";
    noticed(notice);
  }
  metrics_.unknown_refusals.with({provider}).add();
}

void PathRecorder::tell_hand(PathAction action, const engine::PathHand& hand, std::string_view by,
                             std::string_view reason) {
  const std::string rate = hand.rate ? to_string(*hand.rate) : std::string();
  operations::PathActed event{.action = action,
                              .source = all_if_empty(hand.source),
                              .provider = all_if_empty(hand.provider),
                              .hand = hand.id,
                              .rate = rate,
                              .connections = hand.connections,
                              .by = by,
                              .reason = reason,
                              .detail = {}};
  if (!hand.binds()) {
    event.detail = action == PathAction::taken_back
                       ? "what was forgotten is known again"
                       : "what was forgotten can no longer be given back";
  }
  if (hand.until != never) event.until = wall_at(hand.until);
  log_.record(clock_.wall_now(), event);
}

void PathRecorder::hand_set(const engine::PathHand& hand) {
  const bool is_pause = hand.action == engine::PathHand::Action::pause;
  tell_hand(is_pause ? PathAction::paused : PathAction::capped, hand, hand.by, hand.reason);
}

void PathRecorder::hand_ended(const engine::PathHand& hand, std::string_view by,
                              std::string_view reason) {
  tell_hand(by.empty() ? PathAction::ended : PathAction::taken_back, hand, by, reason);
  if (hand.binds() || by.empty()) return;
  // The hold that comes back began before what is remembered here.
  std::erase_if(holds_,
                [&](const auto& hold) { return hand.covers(hold.first.first, hold.first.second); });
}

void PathRecorder::forgotten(const engine::PathExplanation& path,
                             const std::vector<std::string>& hosts, const engine::PathHand& hand) {
  holds_.erase({path.source, path.provider});
  tell_forgotten(path.source, path.provider, knowledge(path) + hosts_text(hosts), hand);
}

void PathRecorder::slowing_over(const engine::PathName& cell, const engine::PathHand& hand) {
  const std::string detail = fmt::format("{}: no longer slowed on suspicion", cell.source);
  log_.record(clock_.wall_now(), operations::PathActed{.action = PathAction::forgotten,
                                                       .source = all_if_empty({}),
                                                       .provider = cell.provider,
                                                       .hand = hand.id,
                                                       .by = hand.by,
                                                       .reason = hand.reason,
                                                       .detail = detail});
}

void PathRecorder::cell_forgotten(const engine::PathName& cell, const engine::PathHand& hand) {
  tell_forgotten(all_if_empty({}), cell.provider, cell.source, hand);
}

void PathRecorder::tell_forgotten(std::string_view source, std::string_view provider,
                                  std::string_view detail, const engine::PathHand& hand) {
  log_.record(clock_.wall_now(), operations::PathActed{.action = PathAction::forgotten,
                                                       .source = source,
                                                       .provider = provider,
                                                       .hand = hand.id,
                                                       .until = wall_at(hand.until),
                                                       .by = hand.by,
                                                       .reason = hand.reason,
                                                       .detail = detail});
}

void PathRecorder::paths(std::span<const engine::PathView> paths) {
  for (auto& [provider, count] : held_) count = 0;
  for (const engine::PathView& path : paths) {
    if (!path.learned) continue;
    const bool is_held = path.learned->mode == pacing::Mode::held;
    if (is_held) held_[path.provider] += 1;
    if (!std::isfinite(path.learned->pace)) continue;
    const bool stands = is_held || path.is_paused;
    metrics_.path_pace.with({path.provider, path.source}).set(stands ? 0 : path.learned->pace);
  }
  for (const auto& [provider, count] : held_) metrics_.paths_held.with({provider}).set(count);
}

}  // namespace mailweir::relay
