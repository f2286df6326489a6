#include "engine/dispatcher.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace mailweir::engine {
namespace {

// Short holds are part of learning a rate; siblings step in for longer ones.
constexpr Duration siblings_step_in = std::chrono::seconds(45);
WaitReason reason_of(pacing::Limit limit) {
  switch (limit) {
    case pacing::Limit::none:
      return WaitReason::turn;
    case pacing::Limit::paused:
      return WaitReason::path_paused;
    case pacing::Limit::connections:
      return WaitReason::connection_cap;
    case pacing::Limit::connection_rate:
      return WaitReason::connection_rate_cap;
    case pacing::Limit::message_rate:
      return WaitReason::message_rate_cap;
    case pacing::Limit::learned:
      return WaitReason::learned_limit;
  }
  return WaitReason::turn;
}

}  // namespace

Dispatcher::Dispatcher(Ledger& ledger, NextHopTable& next_hops, const Settings& settings,
                       PathDoctor& doctor, RetryWheel& retries, std::vector<Order>& orders)
    : ledger_(ledger),
      next_hops_(next_hops),
      settings_(settings),
      doctor_(doctor),
      orders_(orders),
      retries_(retries),
      lanes_(ledger, next_hops, settings),
      paths_(next_hops, settings),
      agenda_(next_hops, paths_),
      book_(ledger, next_hops, paths_, settings, agenda_, orders),
      watch_(paths_, next_hops, settings, suspects_, ledger, orders),
      cells_(paths_, next_hops, settings, ledger, suspects_, orders),
      hosts_(paths_, next_hops, settings, orders),
      session_hosts_(hosts_, book_, next_hops, paths_, agenda_),
      choice_(ledger, lanes_, cells_.table, settings),
      opener_(next_hops, paths_, lanes_, cells_.table, hosts_, choice_, settings, agenda_) {}

std::vector<std::uint32_t> Dispatcher::opened(std::uint32_t s, std::string_view host, Instant now) {
  const Session& session = book_.sessions[s];
  Path& path = paths_[session.path];
  book_.opened(s, host);
  opener_.source_works(path.source);
  path.pacer->on_outcome(pacing::Evidence::connected, now);
  std::vector<std::uint32_t> reserved;
  book_.take_reserved(s, reserved, now);  // by now something more urgent may be there
  book_.list_free(s);
  book_.list_idle(s, now);
  mark(session.hop);
  agenda_.mark_provider(path.provider);  // the share of hops not proven has room again
  if (paused_ || !settings_.source_at(path.source) || session_hosts_.is_useless(session))
    book_.close(s, true);
  return reserved;
}

void Dispatcher::answered(std::uint32_t s, Instant now) {
  const Session& session = book_.sessions[s];
  Hop& hop = next_hops_.hops[session.hop];
  book_.answered(s);
  const Trust before = hop.trust();
  // A connection refused beside working ones leaves its pause standing.
  if (now >= hop.open_not_before) hop.failures = 0;
  if (hop.failed_from == paths_[session.path].source) hop.failed_from = no_source;
  hop.proven = true;
  hop.answered_at = now;
  if (hop.trust() == before) return;
  opener_.leave_line(session.hop);  // to line up anew among its like
  mark(session.hop);
}

void Dispatcher::ended(std::uint32_t s, Instant now) {
  Session& session = book_.sessions[s];
  const std::uint32_t hop = session.hop;
  const std::uint32_t path = session.path;
  if (session.grant) attempt_ended(path, std::exchange(session.grant, {}), AttemptEnd{}, now);
  session_hosts_.end_canary(session, now);
  book_.end(s);
  paths_[path].pacer->connection_ended();
  mark(hop);
  agenda_.mark_provider(paths_[path].provider);
}

// Sources of the path's pools whose paths to its provider are neither held nor paused.
bool Dispatcher::has_other_sources(std::uint32_t p, Instant now) const {
  const std::uint16_t source = paths_[p].source;
  const auto may_try = [&](std::uint16_t other) {
    const std::uint32_t its_path = paths_.find(other, paths_[p].provider);
    if (other == source || opener_.is_unusable(other, now)) return false;
    if (its_path == no_index) return !paths_.pacer_settings(other, paths_[p].provider).is_paused;
    return !paths_[its_path].pacer->is_held() && !paths_[its_path].pacer->is_paused();
  };
  const auto pools = settings_.pools_of(source);
  return std::any_of(pools.begin(), pools.end(), [&](std::uint8_t pool) {
    return std::ranges::any_of(settings_.sources_of(pool), may_try);
  });
}

// The failure of one source says little about the hop while others have not tried it.
bool Dispatcher::source_failed_at(std::uint32_t s, Instant now) {
  const std::uint32_t h = book_.sessions[s].hop;
  Hop& hop = next_hops_.hops[h];
  const std::uint16_t source = paths_[book_.sessions[s].path].source;
  const bool others = has_other_sources(book_.sessions[s].path, now);
  const bool is_first = hop.failed_from == no_source;
  // What was under way at the first failure tells no more. What came after found nobody else there.
  const bool is_same_event =
      hop.failed_from == source && book_.sessions[s].opened_at <= hop.failed_at;
  const bool is_reached = hop.answered_at > hop.failed_at;
  if (settings_.config().pacing.learns && others && (is_first || is_same_event || is_reached)) {
    if (is_first) hop.failed_at = now;
    hop.failed_from = source;
    mark(h);
    return false;
  }
  hop_failed(h, now);
  return true;
}

void Dispatcher::hop_failed(std::uint32_t h, Instant now) {
  Hop& hop = next_hops_.hops[h];
  mark(h);
  if (now < hop.open_not_before) return;  // several sessions found out the same
  const auto& config = settings_.config();
  const int doublings = std::min<int>(hop.failures, 20);
  hop.open_not_before =
      now + std::min(config.site_backoff_first * (1 << doublings), config.site_backoff_max);
  if (hop.failures == 0) next_hops_.note_failing(h, now);
  if (hop.failures < 0xFFFF) ++hop.failures;
}

void Dispatcher::end_back_off(std::uint32_t h) {
  next_hops_.hops[h].open_not_before = Instant{};
  mark(h);
}

void Dispatcher::limit_recipients(std::uint32_t h, std::uint16_t most) {
  Hop& hop = next_hops_.hops[h];
  hop.recipients_max = std::max<std::uint16_t>(1, std::min(hop.recipients_max, most));
}

void Dispatcher::set_paused(bool paused) {
  if (paused_ == paused) return;
  paused_ = paused;
  if (paused) return;
  for (std::uint32_t h = 0; h < next_hops_.hops.extent(); ++h) {
    if (next_hops_.hops[h].next_hop == nullptr) continue;
    mark(h);
    agenda_.mark_provider(next_hops_.hops[h].provider);
  }
  for (std::uint32_t p = 0; p < paths_.paths.extent(); ++p) {
    if (!paths_[p].starved.empty()) agenda_.arm_path(p, Instant{});
  }
}

void Dispatcher::run(Instant now) {
  while (agenda_.has_marked()) {
    for (std::uint32_t p = agenda_.take_path(); p != no_index; p = agenda_.take_path()) {
      if (paths_[p].provider != no_index) look_after(p, now);
    }
    for (std::uint32_t h = agenda_.take_hop(); h != no_index; h = agenda_.take_hop()) {
      if (next_hops_.hops[h].next_hop == nullptr) continue;
      feed(h, now);
      forget_if_unused(h);
    }
    for (std::uint32_t p = agenda_.take_provider(); p != no_index; p = agenda_.take_provider())
      connect(p, now);
  }
}

void Dispatcher::wake(Instant now) {
  while (const auto due = agenda_.take_due(now)) {
    if (due->kind == WakeKind::hop) {
      mark(due->index);
      // It may wait in line for a host.
      agenda_.mark_provider(next_hops_.hops[due->index].provider);
    } else {
      look_after(due->index, now);
      book_.close_idle(due->index, now);  // last: it arms what lies furthest ahead
      agenda_.mark_provider(paths_[due->index].provider);
    }
  }
}

// What may have become possible or due on a path.
void Dispatcher::look_after(std::uint32_t p, Instant now) {
  Path& path = paths_[p];
  if (!path.starved.empty()) serve_starved(p, now);
  if (!path.notes) return;
  watch_.judge(p, now);
  const Instant judge_at = watch_.judge_at(p);
  if (judge_at != never) agenda_.arm_path(p, judge_at);
  if (path.pacer->is_held() && !path.is_carried) {
    const Instant from = path.notes->episode + siblings_step_in;
    if (from <= now) {
      paths_.set_carried(p, true);
    } else {
      agenda_.arm_path(p, from);
    }
  }
}

void Dispatcher::mode_changed(std::uint32_t p, pacing::Change change, Instant now) {
  switch (change) {
    case pacing::Change::held:
    case pacing::Change::held_again:
    case pacing::Change::canary_refused:
      paths_[p].held_at = now;
      if (change == pacing::Change::canary_refused) return;
      unbind_all(p);
      hosts_.cells.clear_doubts(p);
      return;
    case pacing::Change::released:
    case pacing::Change::opened:
      paths_.set_carried(p, false);
      return;
    case pacing::Change::none:
    case pacing::Change::concurrency_cut:
      return;
  }
}

void Dispatcher::attempt_ended(std::uint32_t p, const pacing::Grant& grant, const AttemptEnd& end,
                               Instant now) {
  Path& path = paths_[p];
  pacing::Grant ended = grant;
  if (end.signal == pacing::Signal::accepted) path.accepted_at = now;
  // Said inside a session: it is connections that are too many, whatever they carry.
  if (end.signal == pacing::Signal::connection_limit)
    ended.in_flight = std::min(ended.in_flight, std::max(1U, path.pacer->connections()));
  const pacing::Change change =
      path.pacer->end_attempt(ended, end.signal, end.first_try, end.wait, now);
  if (path.pacer->controller() == nullptr) return;
  mode_changed(p, change, now);
  watch_.attempt_ended(p, end, change, now);
  if (change == pacing::Change::held) cells_.slow_suspect(p, now);
  agenda_.mark_path(p);
  agenda_.mark_provider(path.provider);
}

void Dispatcher::opening_failed(std::uint32_t s, const AttemptEnd& end, Instant now) {
  Session& session = book_.sessions[s];
  Path& path = paths_[session.path];
  if (!session.grant) {
    // An attempt from before the hold says nothing about it.
    if (path.pacer->controller() == nullptr || path.pacer->is_held()) return;
    session.grant = path.pacer->begin_attempt(now);
    session.grant.at = session.opened_at;
  }
  AttemptEnd judged = end;
  if (end.signal == pacing::Signal::connection_limit) {
    session.grant.in_flight = path.pacer->connections();
    // Too many, and it was the only one: then it is their number in a time, not at a time.
    if (session.grant.in_flight <= 1) judged.signal = pacing::Signal::throttled;
  }
  attempt_ended(session.path, std::exchange(session.grant, {}), judged, now);
}

std::vector<std::uint32_t> Dispatcher::hold_path(std::uint32_t p, pacing::HoldCause cause,
                                                 std::string_view why, Instant now) {
  std::vector<std::uint32_t> reserved;
  pacing::PathController* controller = paths_[p].pacer->controller();
  if (controller == nullptr || controller->mode() == pacing::Mode::held) return reserved;
  const pacing::Change change = controller->hold(cause, now);
  mode_changed(p, change, now);
  watch_.changed(p, change, why, now);
  give_back_openings(p, reserved, now);
  agenda_.mark_path(p);
  return reserved;
}

// What waits for a session that may never open goes another way.
void Dispatcher::give_back_openings(std::uint32_t p, std::vector<std::uint32_t>& reserved,
                                    Instant now) {
  for (std::uint32_t s = 0; s < book_.sessions.extent(); ++s) {
    if (book_.sessions[s].stage == SessionStage::opening && book_.sessions[s].path == p)
      make_knock(s, reserved, now);
  }
}

std::uint32_t Dispatcher::provider_of(const Recipient& recipient) const {
  const std::uint32_t hop = ledger_.domains[recipient.domain].next_hop;
  return hop == no_index ? no_index : next_hops_.hops[hop].provider;
}

Dispatcher::Wait Dispatcher::explain(std::uint32_t q, Instant now) const {
  const Queue& queue = lanes_.queues[q];
  const Hop& hop = next_hops_.hops[queue.hop];
  const bool has_open = hop.sessions > hop.opening;
  if (now < hop.open_not_before && !has_open)
    return {WaitReason::next_hop_down, hop.open_not_before};
  if (hop.failures > 0 && !has_open) return {WaitReason::next_hop_down, now};
  const pacing::Rank rank = settings_.rank(lanes_.lanes[queue.lane].message_class);
  Wait wait;
  Instant soonest = never;
  for (const std::uint16_t source : settings_.sources_of(lanes_.lanes[queue.lane].pool)) {
    const Opening answer = opener_.opening(source, hop.provider, hop.trust(), rank, now);
    if (answer.limit == pacing::Limit::none && !answer.is_source_unusable) {
      const Instant at = hosts_.free_at(source, hop, now);
      if (at <= now) return {};
      soonest = std::min(soonest, at);
      wait = {WaitReason::hosts_held, soonest};
      continue;
    }
    if (wait.reason != WaitReason::turn && answer.at >= soonest) continue;
    soonest = answer.at;
    wait.until = answer.at == never ? Instant{} : answer.at;
    wait.reason = answer.is_source_unusable ? WaitReason::source_unusable
                  : answer.is_held          ? WaitReason::path_held
                                            : reason_of(answer.limit);
  }
  return wait;
}

}  // namespace mailweir::engine
