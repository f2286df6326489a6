// Single MX hosts of a path: what stands out is left out of new sessions, and looked after by
// canaries of its own.
#include <algorithm>
#include <limits>
#include <utility>

#include "engine/dispatcher.h"

namespace mailweir::engine {
namespace {

using namespace std::chrono_literals;
using pacing::Change;
using pacing::Signal;

// A host is only one of several: what the path sends need not have pressed it.
constexpr double start_rate_least = 1.0;
constexpr double start_rate_factor = 2.0;
// A canary that may not be sent now, for want of a connection, is asked for again.
constexpr Duration canary_again = 2s;

}  // namespace

// A host begins in the midst of things: it is believed to bear what the path sent lately, and more.
pacing::LearningSettings Dispatcher::host_settings(std::uint32_t p, Instant now) const {
  constexpr auto ten_minutes = static_cast<std::size_t>(pacing::Window::ten_minutes);
  const double sent = paths_[p].pacer->controller()->state(now).counts[ten_minutes];
  pacing::LearningSettings settings;
  settings.start_rate = std::max(start_rate_least, start_rate_factor * sent / 600.0);
  settings.concurrency_max = std::numeric_limits<std::uint32_t>::max();  // the path has its own
  return settings;
}

bool Dispatcher::has_other_hosts(std::uint32_t s) const {
  return next_hops_.hops[sessions_[s].hop].next_hop->hosts.size() > 1;
}

bool Dispatcher::host_stands_out(std::uint32_t s) const {
  return hosts_.stands_out(sessions_[s].path, sessions_[s].host);
}

bool Dispatcher::has_cell_for_host(std::uint32_t p, std::string_view host) const {
  return hosts_.has_room(p, host);
}

// Looks after hosts that are silent, where mail waits that could go there.
void Dispatcher::visit_hosts(std::uint32_t h, Instant now) {
  if (hosts_.empty() || next_hops_.hops[h].ready == 0) return;
  const std::uint32_t provider = next_hops_.hops[h].provider;
  for (std::size_t i = 0; i < next_hops_.providers[provider].paths.size(); ++i) {
    const std::uint32_t p = next_hops_.providers[provider].paths[i];
    if (p == no_index || !hosts_.has_any(p)) continue;
    const Path& path = paths_[p];
    if (path.pacer->is_held() || path.pacer->is_paused()) continue;  // its own canary comes first
    pacing::Demand demand{.waiting = {}};
    lanes_.add_demand(next_hops_.hops[h], path.source, demand);
    if (!demand.any()) continue;
    const HostCells::Canary canary = hosts_.next_canary(p, next_hops_.hops[h].next_hop->hosts,
                                                        HostCells::CanaryKind::knock, now);
    if (canary.at > now) {
      if (canary.at != never) arm_hop(h, canary.at);
    } else if (!knock(path.source, h, now, canary.cell)) {
      arm_hop(h, now + canary_again);
    }
  }
}

// The host that the session's first message is to ask; no_index: none.
std::uint32_t Dispatcher::due_host(std::uint32_t p, const Hop& hop, Instant now) {
  if (paths_[p].pacer->is_held()) return no_index;  // its own canary comes first
  const HostCells::Canary canary =
      hosts_.next_canary(p, hop.next_hop->hosts, HostCells::CanaryKind::message, now);
  return canary.at <= now ? canary.cell : no_index;
}

// What an opening tells of single hosts: `host` let us in, others before it did not. Empty: none
// did, which says nothing of any one but the canary's.
void Dispatcher::hosts_met(std::uint32_t s, std::string_view host,
                           std::span<const AttemptEnd> failed, Instant now) {
  Session& session = sessions_[s];
  if (paths_[session.path].pacer->controller() == nullptr) return;
  for (const AttemptEnd& end : failed) {
    // Of several addresses of one host one may have worked.
    if (end.signal == Signal::local || end.host == host) continue;
    if (session.host_canary != no_index && hosts_[session.host_canary].host == end.host) {
      host_ended(std::exchange(session.host_canary, no_index), end, session.opened_at, now);
    } else if (!host.empty()) {
      host_failed_alone(session, end, now);
    }
  }
  if (session.host_canary == no_index || hosts_[session.host_canary].host != host) return;
  // It answers: where silence was the cause that is all there is to ask.
  const pacing::LearnedState state = hosts_[session.host_canary].controller->state(now);
  if (state.cause != pacing::HoldCause::network) return;
  AttemptEnd end;
  end.signal = Signal::accepted;
  end.host = host;
  host_ended(std::exchange(session.host_canary, no_index), end, session.opened_at, now);
}

// Another host answered in the same breath: there is nothing to count first.
void Dispatcher::host_failed_alone(const Session& session, const AttemptEnd& end, Instant now) {
  const std::uint32_t known = hosts_.find(session.path, end.host);
  if (known != no_index && hosts_[known].controller->mode() == pacing::Mode::held) return;
  const std::uint32_t c =
      hosts_.intern(session.path, end.host, host_settings(session.path, now), now);
  if (c == no_index) return;
  hosts_.begin(c, now);
  if (end.signal != Signal::silent) {
    host_ended(c, end, known == no_index ? now : session.opened_at, now);
    return;
  }
  HostCell& cell = hosts_[c];
  hosts_.end(c, {.signal = Signal::local, .started = now}, now);
  cell.last = refusal(end, now);
  host_changed(cell, cell.controller->hold(pacing::HoldCause::network, now), now);
}

// The attempt counts for the session's host, if that has a cell; a canary's was begun with it.
void Dispatcher::begin_at_host(Session& session, Transaction& transaction, Instant now) {
  if (!hosts_.has_any(session.path)) return;
  transaction.host_cell = std::exchange(session.host_canary, no_index);
  if (transaction.host_cell != no_index) return;
  const std::uint32_t cell = hosts_.find(session.path, session.host);
  // A canary of the path's goes wherever it is let in.
  if (cell == no_index || hosts_.start_at(cell, pacing::Rank::urgent, now) > now) return;
  hosts_.begin(cell, now);
  transaction.host_cell = cell;
}

// Whether the next message may start in this session, as far as its host is concerned; `now` or
// earlier: at once.
Instant Dispatcher::host_lets_start(const Session& session, pacing::Rank rank, Instant now) {
  const bool is_canary = session.grant || session.host_canary != no_index;
  if (!hosts_.has_any(session.path) || is_canary) return now;
  const std::uint32_t cell = hosts_.find(session.path, session.host);
  return cell == no_index ? now : hosts_.start_at(cell, rank, now);
}

// The end of a transaction, for its host.
void Dispatcher::transaction_ended_at_host(const CellsEnd& ended, const AttemptEnd& end,
                                           Instant now) {
  std::uint32_t cell = ended.host_cell;
  Instant started = ended.begun;
  if (cell == no_index) {
    // Of many under way the first opens the cell; what began before it is no evidence.
    if (!ended.host_signal || hosts_.find(ended.path, ended.host) != no_index) return;
    cell = hosts_.intern(ended.path, ended.host, host_settings(ended.path, now), now);
    if (cell == no_index) return;
    hosts_.begin(cell, now);
    started = now;
  }
  const bool says_something = end.signal == Signal::accepted || end.signal == Signal::silent;
  AttemptEnd judged = end;
  judged.signal = ended.host_signal ? *ended.host_signal
                  : says_something  ? end.signal
                                    : Signal::local;
  if (!ended.host_signal) judged.wait = {};
  host_ended(cell, judged, started, now);
}

void Dispatcher::host_ended(std::uint32_t c, const AttemptEnd& end, Instant started, Instant now) {
  HostCell& cell = hosts_[c];
  if (end.signal != Signal::accepted && end.signal != Signal::local) cell.last = refusal(end, now);
  const Change change = hosts_.end(c,
                                   {.signal = end.signal,
                                    .started = started,
                                    .in_flight = cell.attempts,
                                    .first_try = end.first_try,
                                    .wait = end.wait},
                                   now);
  host_changed(cell, change, now);
}

void Dispatcher::host_changed(const HostCell& cell, Change change, Instant now) {
  if (change == Change::none) return;
  keep_host(cell, now);
  if (change == Change::held || change == Change::held_again) close_sessions_to(cell);
  if (change == Change::held) tell_host(cell, Notice::Kind::throttle_detected, now);
  if (change == Change::opened) tell_host(cell, Notice::Kind::recovered, now);
  mark_path(cell.path);
  mark_provider(paths_[cell.path].provider);
}

// What is under way may finish; the rest goes to other hosts.
void Dispatcher::close_sessions_to(const HostCell& cell) {
  for (std::uint32_t s = 0; s < sessions_.extent(); ++s) {
    const Session& session = sessions_[s];
    if (session.stage == SessionStage::open && session.path == cell.path &&
        session.host == cell.host)
      close(s, true);
  }
}

void Dispatcher::tell_host(const HostCell& cell, Notice::Kind kind, Instant now) {
  const pacing::LearnedState state = cell.controller->state(now);
  Notice notice;
  notice.kind = kind;
  notice.source = settings_.source_name(paths_[cell.path].source);
  notice.provider = next_hops_.providers[paths_[cell.path].provider].key();
  notice.cell = "mx_host " + cell.host;
  notice.cause = to_string(state.cause);
  notice.to = state.mode == pacing::Mode::held ? 0.0 : state.pace;
  notice.since = state.since;
  notice.phase = cell.last.phase;
  notice.failure = cell.last.failure;
  notice.reply = cell.last.reply;
  notice.rule = cell.last.rule;
  orders_.emplace_back(std::move(notice));
}

std::string Dispatcher::kept_name(const HostCell& cell) const {
  return std::string(host_mark) + cell.host + ' ' + settings_.source_name(paths_[cell.path].source);
}

void Dispatcher::keep_host(const HostCell& cell, Instant now) {
  orders_.emplace_back(KeepPath{kept_name(cell),
                                next_hops_.providers[paths_[cell.path].provider].key(),
                                cell.controller->save(now)});
}

// Of an earlier run; dropped if its source is no longer configured.
void Dispatcher::adopt_host(std::uint32_t provider, const PathTable::CellImage& image,
                            Instant now) {
  const std::string_view name = std::string_view(image.name).substr(host_mark.size());
  const std::size_t space = name.rfind(' ');
  if (space == std::string_view::npos) return;
  const auto source = settings_.source_id(name.substr(space + 1));
  if (!source || !settings_.source_at(*source)) return;
  const std::uint32_t p = paths_.intern(*source, provider, now);
  if (paths_[p].pacer->controller() == nullptr) return;
  const pacing::LearningSettings settings = host_settings(p, now);
  const auto controller =
      pacing::PathController::restore(image.image, settings, now - image.as_of, now);
  const std::uint32_t cell =
      controller ? hosts_.intern(p, name.substr(0, space), settings, now) : no_index;
  if (cell != no_index) hosts_[cell].controller = *controller;
}

// When a session from that source may be opened to one of the hop's hosts; `now`: at once.
Instant Dispatcher::hosts_free_at(std::uint16_t source, const Hop& hop, Instant now) const {
  const std::uint32_t p = paths_.find(source, hop.provider);
  // The canary of a held path goes wherever it is let in.
  if (p == no_index || paths_[p].pacer->is_held()) return now;
  return hosts_.open_at(p, hop.next_hop->hosts, now);
}

void Dispatcher::arm_hosts(const WaitGroup& group, std::uint32_t h, Instant now) {
  if (hosts_.empty()) return;
  for (const std::uint16_t source : settings_.sources_of(group.pool)) {
    const Instant at = hosts_free_at(source, next_hops_.hops[h], now);
    if (at > now && at != never) arm_hop(h, at);
  }
}

// The path goes for now: what a refusal has taught waits for its return.
void Dispatcher::leave_hosts(std::uint32_t p, Instant now) {
  hosts_.each_of(p, [&](const HostCell& cell) {
    if (cell.controller->state(now).episodes == 0) return;
    paths_.keep_image(kept_name(cell), next_hops_.providers[paths_[p].provider].key(),
                      cell.controller->save(now), {}, now);
  });
  hosts_.forget_path(p, {}, now);  // no session is left: none begins anew
}

// The operator wants all of it forgotten.
void Dispatcher::forget_hosts(std::uint32_t p, Instant now) {
  hosts_.each_of(p, [&](const HostCell& cell) {
    orders_.emplace_back(
        KeepPath{kept_name(cell), next_hops_.providers[paths_[p].provider].key(), {}});
  });
  hosts_.forget_path(p, host_settings(p, now), now);
}

}  // namespace mailweir::engine
