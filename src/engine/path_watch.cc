#include "engine/path_watch.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

#include <limits>
#include <utility>

namespace mailweir::engine {
namespace {

using namespace std::chrono_literals;
using pacing::Change;
using pacing::Signal;

// A step is judged when there is enough to judge it by, at the latest after so long.
constexpr Duration judge_latest = 9min;
constexpr Duration judge_soonest = 1min;
constexpr std::uint32_t judge_by = 30;     // outcomes since
constexpr double judge_difference = 0.05;  // of the refused share: less is the same
constexpr Duration keep_every = 10min;     // an open path's image
constexpr double pace_difference = 0.05;

bool is_refusal(Signal signal) {
  switch (signal) {
    case Signal::connection_limit:
    case Signal::throttled:
    case Signal::block_listed:
    case Signal::silent:
    case Signal::unclear:
      return true;
    case Signal::accepted:
    case Signal::answered:
    case Signal::local:
      return false;
  }
  return false;
}

double speed_in_force(const pacing::LearnedState& state) {
  return state.mode == pacing::Mode::held ? 0.0 : state.pace;
}

Notice::Verdict judged(const PathNotes& notes) {
  // A step down from a refusal is right when it ends the refusals, a step up when it brings none.
  const double gained = notes.before.refused_share() - notes.since.refused_share();
  if (notes.since.all() == 0) return Notice::Verdict::same;
  if (gained > judge_difference) return Notice::Verdict::better;
  if (gained < -judge_difference) return Notice::Verdict::worse;
  return Notice::Verdict::same;
}

}  // namespace

LastRefusal refusal(const AttemptEnd& end, Instant now) {
  return {.reply = end.reply == nullptr ? Reply{} : *end.reply,
          .rule = std::string(end.rule),
          .host = std::string(end.host),
          .phase = end.phase,
          .failure = end.failure,
          .at = now};
}

Notice PathWatch::notice(std::uint32_t p, Notice::Kind kind, Instant now) const {
  const Path& path = paths_[p];
  const Provider& provider = next_hops_.providers[path.provider];
  Notice notice;
  notice.kind = kind;
  notice.source = settings_.source_name(path.source);
  notice.provider = provider.key();
  notice.waiting = provider.ready;
  for (const std::uint32_t sibling : provider.paths) {
    if (sibling == no_index || !paths_[sibling].pacer->controller()) continue;
    if (paths_[sibling].pacer->last_outcome() + 1h >= now) ++notice.paths_used;
    if (paths_[sibling].pacer->is_held()) ++notice.paths_held;
  }
  notice.paths_used = std::max(notice.paths_used, notice.paths_held);
  if (path.notes) {
    const PathNotes& notes = *path.notes;
    notice.reply = notes.last.reply;
    notice.rule = notes.last.rule;
    notice.phase = notes.last.phase;
    notice.failure = notes.last.failure;
    notice.since = notes.episode;
    notice.refused_share = notes.since.refused_share();
  }
  const auto* controller = path.pacer->controller();
  if (controller != nullptr) notice.cause = to_string(controller->state(now).cause);
  return notice;
}

void PathWatch::step(std::uint32_t p, double from, double to, std::string why, Instant now) {
  PathNotes& notes = *paths_[p].notes;
  Notice told = notice(p, Notice::Kind::step, now);
  told.from = from;
  told.to = to;
  told.detail = std::move(why);
  orders_.emplace_back(std::move(told));
  if (notes.step_at == Instant{} || now - notes.step_at >= judge_soonest)
    notes.before = std::exchange(notes.since, {});
  notes.step_at = now;
  notes.step_from = from;
  notes.step_to = to;
}

void PathWatch::begin_episode(std::uint32_t p, Instant now) {
  PathNotes& notes = *paths_[p].notes;
  // What was sent, not what was allowed: before the first refusal nothing may have bound it.
  constexpr auto minute = static_cast<std::size_t>(pacing::Window::minute);
  const double from = paths_[p].pacer->controller()->state(now).counts[minute] / 60.0;
  notes.episode = now;
  notes.is_draining = false;
  Notice told = notice(p, Notice::Kind::throttle_detected, now);
  told.from = from;
  told.detail = fmt::format("{} of {} paths in use to {} are held", told.paths_held,
                            told.paths_used, told.provider);
  if (const auto suspect = suspects_.of(p, now)) told.suspect = name_suspect(*suspect, ledger_);
  orders_.emplace_back(std::move(told));
  step(p, from, 0.0, "held at a refusal of the path", now);
}

void PathWatch::end_episode(std::uint32_t p, Instant now) {
  PathNotes& notes = *paths_[p].notes;
  Notice told = notice(p, Notice::Kind::recovered, now);
  told.to = paths_[p].pacer->controller()->state(now).pace;
  orders_.emplace_back(std::move(told));
  notes.opened = now;
  notes.is_draining = true;
}

void PathWatch::attempt_ended(std::uint32_t p, const AttemptEnd& end, Change change, Instant now) {
  Path& path = paths_[p];
  const bool refused = is_refusal(end.signal);
  if (refused) {
    if (!path.notes) path.notes = std::make_unique<PathNotes>();
    path.notes->last = refusal(end, now);
    ++path.notes->since.refused;
  } else if (path.notes && end.signal == Signal::accepted) {
    ++path.notes->since.accepted;
  }
  if (change != Change::none) {
    changed(p, change, {}, now);
  } else if (now - path.kept_at >= keep_every && path.pacer->controller() != nullptr) {
    if (path.kept_at != Instant{}) keep(p, now);
    path.kept_at = now;
  }
  if (path.notes && path.notes->is_draining && next_hops_.providers[path.provider].ready == 0) {
    orders_.emplace_back(notice(p, Notice::Kind::drained, now));
    path.notes->is_draining = false;
  }
}

void PathWatch::changed(std::uint32_t p, Change change, std::string_view why, Instant now) {
  Path& path = paths_[p];
  if (!path.notes) path.notes = std::make_unique<PathNotes>();
  const pacing::LearnedState state = path.pacer->controller()->state(now);
  switch (change) {
    case Change::none:
      return;
    case Change::held:
      begin_episode(p, now);
      if (!why.empty()) std::get<Notice>(orders_.back()).detail = why;
      break;
    case Change::held_again:
      step(p, state.pace, 0.0, "refused again while it was being verified", now);
      break;
    case Change::canary_refused: {
      Notice told = notice(p, Notice::Kind::probe, now);
      told.verdict = Notice::Verdict::worse;
      if (state.next_canary != never)
        told.detail = fmt::format("canary {} refused; the next in {} s", state.canaries_refused,
                                  std::max<std::int64_t>(0, (state.next_canary - now) / 1s));
      orders_.emplace_back(std::move(told));
      break;
    }
    case Change::released: {
      Notice told = notice(p, Notice::Kind::probe, now);
      told.verdict = Notice::Verdict::better;
      told.detail = "a canary was accepted";
      orders_.emplace_back(std::move(told));
      step(p, 0.0, speed_in_force(state), "a canary was accepted: ramping", now);
      break;
    }
    case Change::opened:
      if (std::abs(path.notes->step_to - state.pace) > pace_difference * state.pace)
        step(p, path.notes->step_to, state.pace, "verified", now);
      end_episode(p, now);
      break;
    case Change::concurrency_cut:
      step(p, state.pace, state.pace,
           fmt::format("at most {} at once: the peer takes no more connections", state.concurrency),
           now);
      break;
  }
  keep(p, now);
}

Instant PathWatch::judge_at(std::uint32_t p) const {
  const auto& notes = paths_[p].notes;
  return !notes || notes->step_at == Instant{} ? never : notes->step_at + judge_latest;
}

void PathWatch::judge(std::uint32_t p, Instant now) {
  const auto& notes = paths_[p].notes;
  if (!notes || notes->step_at == Instant{}) return;
  const bool enough = notes->since.all() >= judge_by && now >= notes->step_at + judge_soonest;
  if (!enough && now < notes->step_at + judge_latest) return;
  Notice told = notice(p, Notice::Kind::step_judged, now);
  told.from = notes->step_from;
  told.to = notes->step_to;
  told.since = notes->step_at;
  told.verdict = judged(*notes);
  told.detail = fmt::format("refused {} of {} before, {} of {} since", notes->before.refused,
                            notes->before.all(), notes->since.refused, notes->since.all());
  orders_.emplace_back(std::move(told));
  notes->step_at = Instant{};
}

void PathWatch::keep(std::uint32_t p, Instant now) {
  Path& path = paths_[p];
  path.kept_at = now;
  orders_.emplace_back(KeepPath{settings_.source_name(path.source),
                                next_hops_.providers[path.provider].key(), image_of(path, now)});
}

}  // namespace mailweir::engine
