#include "engine/session_hosts.h"

#include <string>
#include <utility>

namespace mailweir::engine {

using pacing::Change;
using pacing::Signal;

SessionHosts::Place SessionHosts::place(std::uint32_t s) const {
  const Session& session = book_.sessions[s];
  return {.has_others = next_hops_.hops[session.hop].next_hop->hosts.size() > 1,
          .stands_out = hosts_.cells.stands_out(session.path, session.host)};
}

void SessionHosts::met(std::uint32_t s, std::string_view host, std::span<const AttemptEnd> failed,
                       Instant now) {
  Session& session = book_.sessions[s];
  if (paths_[session.path].pacer->controller() == nullptr) return;
  for (const AttemptEnd& end : failed) {
    // Of several addresses of one host one may have worked.
    if (end.signal == Signal::local || end.host == host) continue;
    if (session.host_canary != no_index && hosts_.cells[session.host_canary].host == end.host) {
      cell_ended(std::exchange(session.host_canary, no_index), end, session.opened_at, now);
    } else if (!host.empty()) {
      const Change change = hosts_.failed_alone(session.path, end, session.opened_at, now);
      changed(session.path, end.host, change);
    }
  }
  if (host.empty()) return;
  const std::uint32_t own = hosts_.cells.find(session.path, host);
  // Its host told nothing, and another let us in.
  if (session.host_canary != own) end_canary(session, now);
  if (own == no_index || !hosts_.cells.is_silent(own, now)) return;
  // It answers: where silence was the cause that is all there is to ask.
  if (session.host_canary == no_index) hosts_.cells.begin(own, now);
  session.host_canary = no_index;
  AttemptEnd end;
  end.signal = Signal::accepted;
  end.host = host;
  cell_ended(own, end, now, now);
}

void SessionHosts::end_canary(Session& session, Instant now) {
  if (session.host_canary == no_index) return;
  cell_ended(std::exchange(session.host_canary, no_index), AttemptEnd{}, session.opened_at, now);
}

bool SessionHosts::is_useless(const Session& session) const {
  if (session.grant || session.host_canary != no_index) return false;
  const std::uint32_t cell = hosts_.cells.find(session.path, session.host);
  return cell != no_index && hosts_.cells[cell].controller->mode() == pacing::Mode::held;
}

void SessionHosts::begin(Session& session, Transaction& transaction, Instant now) {
  if (!hosts_.cells.has_any(session.path)) return;
  transaction.host_cell = std::exchange(session.host_canary, no_index);
  if (transaction.host_cell != no_index) return;
  const std::uint32_t cell = hosts_.cells.find(session.path, session.host);
  // A canary of the path's goes wherever it is let in.
  if (cell == no_index || hosts_.cells.start_at(cell, pacing::Rank::urgent, now) > now) return;
  hosts_.cells.begin(cell, now);
  transaction.host_cell = cell;
}

Instant SessionHosts::lets_start(const Session& session, pacing::Rank rank, Instant now) {
  const bool is_canary = session.grant || session.host_canary != no_index;
  if (!hosts_.cells.has_any(session.path) || is_canary) return now;
  const std::uint32_t cell = hosts_.cells.find(session.path, session.host);
  return cell == no_index ? now : hosts_.cells.start_at(cell, rank, now);
}

void SessionHosts::ended(const CellsEnd& ended, const AttemptEnd& end, Instant now) {
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
  cell_ended(cell, judged, started, now);
}

void SessionHosts::cell_ended(std::uint32_t cell, const AttemptEnd& end, Instant started,
                              Instant now) {
  const std::uint32_t path = hosts_.cells[cell].path;
  const std::string host = hosts_.cells[cell].host;
  changed(path, host, hosts_.ended(cell, end, started, now));
}

// Of a host that is held what is under way may finish; the rest goes to others.
void SessionHosts::changed(std::uint32_t path, std::string_view host, Change change) {
  if (change == Change::none) return;
  agenda_.mark_path(path);
  agenda_.mark_provider(paths_[path].provider);
  if (change != Change::held && change != Change::held_again) return;
  for (std::uint32_t s = 0; s < book_.sessions.extent(); ++s) {
    const Session& session = book_.sessions[s];
    if (session.stage == SessionStage::open && session.path == path && session.host == host)
      book_.close(s, true);
  }
}

}  // namespace mailweir::engine
