// Single MX hosts of a path: what stands out comes last in new sessions, and is looked after by
// canaries of its own.
#include <utility>

#include "engine/dispatcher.h"

namespace mailweir::engine {
namespace {

using namespace std::chrono_literals;
using pacing::Change;
using pacing::Signal;

// A canary that may not be sent now, for want of a connection, is asked for again.
constexpr Duration canary_again = 2s;

}  // namespace

Dispatcher::HostPlace Dispatcher::host_place(std::uint32_t s) const {
  const Session& session = sessions_[s];
  return {.has_others = next_hops_.hops[session.hop].next_hop->hosts.size() > 1,
          .stands_out = hosts_.cells.stands_out(session.path, session.host)};
}

// Looks after hosts that are silent, where mail waits that could go there.
void Dispatcher::visit_hosts(std::uint32_t h, Instant now) {
  if (hosts_.cells.empty() || next_hops_.hops[h].ready == 0) return;
  const std::uint32_t provider = next_hops_.hops[h].provider;
  for (std::size_t i = 0; i < next_hops_.providers[provider].paths.size(); ++i) {
    const std::uint32_t p = next_hops_.providers[provider].paths[i];
    if (p == no_index || !hosts_.cells.has_any(p)) continue;
    const Path& path = paths_[p];
    if (path.pacer->is_held() || path.pacer->is_paused()) continue;  // its own canary comes first
    pacing::Demand demand{.waiting = {}};
    lanes_.add_demand(next_hops_.hops[h], path.source, demand);
    if (!demand.any()) continue;
    const HostCells::Canary canary = hosts_.cells.next_canary(p, next_hops_.hops[h].next_hop->hosts,
                                                              HostCells::CanaryKind::knock, now);
    if (canary.at > now) {
      if (canary.at != never) arm_hop(h, canary.at);
    } else if (!knock(path.source, h, Aim{.is_knock = true, .host = {}, .host_canary = canary.cell},
                      now)) {
      arm_hop(h, now + canary_again);
    }
  }
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
    if (session.host_canary != no_index && hosts_.cells[session.host_canary].host == end.host) {
      host_ended(std::exchange(session.host_canary, no_index), end, session.opened_at, now);
    } else if (!host.empty()) {
      const Change change = hosts_.failed_alone(session.path, end, session.opened_at, now);
      host_changed(session.path, end.host, change);
    }
  }
  if (host.empty()) return;
  const std::uint32_t own = hosts_.cells.find(session.path, host);
  // Its host told nothing, and another let us in.
  if (session.host_canary != own) end_host_canary(session, now);
  if (own == no_index || !hosts_.cells.is_silent(own, now)) return;
  // It answers: where silence was the cause that is all there is to ask.
  if (session.host_canary == no_index) hosts_.cells.begin(own, now);
  session.host_canary = no_index;
  AttemptEnd end;
  end.signal = Signal::accepted;
  end.host = host;
  host_ended(own, end, now, now);
}

// The session's canary for its host proved nothing.
void Dispatcher::end_host_canary(Session& session, Instant now) {
  if (session.host_canary == no_index) return;
  host_ended(std::exchange(session.host_canary, no_index), AttemptEnd{}, session.opened_at, now);
}

// No message may start in a session to a held host but what asks it, or asks for the path.
bool Dispatcher::is_useless(const Session& session) const {
  if (session.grant || session.host_canary != no_index) return false;
  const std::uint32_t cell = hosts_.cells.find(session.path, session.host);
  return cell != no_index && hosts_.cells[cell].controller->mode() == pacing::Mode::held;
}

// The attempt counts for the session's host, if that has a cell; a canary's was begun with it.
void Dispatcher::begin_at_host(Session& session, Transaction& transaction, Instant now) {
  if (!hosts_.cells.has_any(session.path)) return;
  transaction.host_cell = std::exchange(session.host_canary, no_index);
  if (transaction.host_cell != no_index) return;
  const std::uint32_t cell = hosts_.cells.find(session.path, session.host);
  // A canary of the path's goes wherever it is let in.
  if (cell == no_index || hosts_.cells.start_at(cell, pacing::Rank::urgent, now) > now) return;
  hosts_.cells.begin(cell, now);
  transaction.host_cell = cell;
}

// Whether the next message may start in this session, as far as its host is concerned; `now` or
// earlier: at once.
Instant Dispatcher::host_lets_start(const Session& session, pacing::Rank rank, Instant now) {
  const bool is_canary = session.grant || session.host_canary != no_index;
  if (!hosts_.cells.has_any(session.path) || is_canary) return now;
  const std::uint32_t cell = hosts_.cells.find(session.path, session.host);
  return cell == no_index ? now : hosts_.cells.start_at(cell, rank, now);
}

// The end of a transaction, for its host.
void Dispatcher::transaction_ended_at_host(const CellsEnd& ended, const AttemptEnd& end,
                                           Instant now) {
  std::uint32_t cell = ended.host_cell;
  Instant started = ended.begun;
  if (cell == no_index) {
    // Of many under way the first opens the cell; what began before it is no evidence.
    if (!ended.host_signal || hosts_.cells.find(ended.path, ended.host) != no_index) return;
    cell = hosts_.open(ended.path, ended.host, now);
    if (cell == no_index) return;
    hosts_.cells.begin(cell, now);
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

void Dispatcher::host_ended(std::uint32_t cell, const AttemptEnd& end, Instant started,
                            Instant now) {
  const std::uint32_t path = hosts_.cells[cell].path;
  const std::string host = hosts_.cells[cell].host;
  host_changed(path, host, hosts_.ended(cell, end, started, now));
}

// Of a host that is held what is under way may finish; the rest goes to others.
void Dispatcher::host_changed(std::uint32_t path, std::string_view host, Change change) {
  if (change == Change::none) return;
  mark_path(path);
  mark_provider(paths_[path].provider);
  if (change != Change::held && change != Change::held_again) return;
  for (std::uint32_t s = 0; s < sessions_.extent(); ++s) {
    const Session& session = sessions_[s];
    if (session.stage == SessionStage::open && session.path == path && session.host == host)
      close(s, true);
  }
}

// Mail waits in line for a host.
void Dispatcher::arm_hosts(const WaitGroup& group, std::uint32_t h, Instant now) {
  if (hosts_.cells.empty()) return;
  for (const std::uint16_t source : settings_.sources_of(group.pool)) {
    const Instant at = hosts_.free_at(source, next_hops_.hops[h], now);
    if (at > now && at != never) arm_hop(h, at);
  }
}

}  // namespace mailweir::engine
