// New settings, and what nobody needs any more: hops, providers without mail, names without
// messages.
#include <algorithm>

#include "engine/dispatcher.h"

namespace mailweir::engine {

void Dispatcher::sweep(Instant now) {
  if (ledger_.has_idle_names()) forget_names();
  if (left_providers_.empty()) return;
  const std::uint32_t p = left_providers_.back();
  left_providers_.pop_back();
  const Provider& provider = next_hops_.providers[p];
  if (provider.names.empty() || provider.hops > 0) return;  // forgotten, or in use again
  const bool rested = std::all_of(
      provider.paths.begin(), provider.paths.end(),
      [&](std::uint32_t path) { return path == no_index || paths_[path].pacer->is_rested(now); });
  if (!rested) {
    left_providers_.insert(left_providers_.begin(), p);
    return;
  }
  cells_.leave(p, now);
  for (const std::uint32_t path : provider.paths) {
    if (path == no_index) continue;
    suspects_.forget(path);
    hosts_.leave(path, now);
  }
  paths_.forget_provider(p, now);
  doctor_.forget_provider(p);
  next_hops_.forget_provider(p);
}

void Dispatcher::unroute(std::uint32_t h) {
  --next_hops_.hops[h].domains;
  mark(h);
}

void Dispatcher::forget_if_unused(std::uint32_t h) {
  Hop& hop = next_hops_.hops[h];
  if (hop.domains > 0 || hop.sessions > 0 || hop.ready > 0) return;
  const std::uint32_t p = hop.provider;
  opener_.leave_line(h);
  lanes_.forget_hop(hop);
  next_hops_.forget(h);
  if (next_hops_.providers[p].hops == 0) left_providers_.push_back(p);
}

// What a lifted cap allows is looked at with the next run().
void Dispatcher::refresh_all_caps(Instant now) {
  for (std::uint32_t p = 0; p < next_hops_.providers.extent(); ++p) {
    if (next_hops_.providers[p].names.empty()) continue;
    refresh_caps(p, now);
    agenda_.mark_provider(p);
    for (const std::uint32_t path : next_hops_.providers[p].paths) {
      if (path == no_index) continue;
      if (paths_[path].pacer->is_paused()) unbind_all(path);
      agenda_.mark_path(path);
    }
  }
}

std::vector<std::uint32_t> Dispatcher::reconfigured(Instant now) {
  std::vector<std::uint32_t> recipients;
  for (std::uint32_t h = 0; h < next_hops_.hops.extent(); ++h) {
    Hop& hop = next_hops_.hops[h];
    if (hop.next_hop == nullptr) continue;
    opener_.leave_line(h);
    for (std::uint32_t q = hop.queues.first; q != no_index; q = lanes_.queues[q].of_hop.next) {
      while (!lanes_.queues[q].recipients.empty()) {
        recipients.push_back(lanes_.queues[q].recipients.first(ledger_));
        withdraw(recipients.back());
      }
    }
    hop.last_queue = no_index;
    mark(h);
  }
  refresh_all_caps(now);
  for (std::uint32_t s = 0; s < book_.sessions.extent(); ++s) {
    if (book_.sessions[s].stage == SessionStage::open &&
        !settings_.source_at(paths_[book_.sessions[s].path].source))
      book_.close(s, true);
  }
  return recipients;
}

void Dispatcher::forget_names() {
  Ledger::NamesUsed used = ledger_.names_used();
  for (std::uint32_t l = 0; l < lanes_.lanes.extent(); ++l) {
    if (lanes_.lanes[l].provider != no_index) used.tenants[lanes_.lanes[l].tenant] = true;
  }
  for (std::uint32_t c = 0; c < cells_.table.cells.extent(); ++c) {
    const Cell& cell = cells_.table.cells[c];
    if (cell.provider == no_index) continue;
    (cell.kind == CellKind::tenant     ? used.tenants
     : cell.kind == CellKind::campaign ? used.campaigns
                                       : used.mail_domains)[cell.name] = true;
  }
  suspects_.each([&](Suspects::Sender sender) {
    used.tenants[sender.tenant] = used.campaigns[sender.campaign] = true;
  });
  ledger_.forget_names(used);
}

}  // namespace mailweir::engine
