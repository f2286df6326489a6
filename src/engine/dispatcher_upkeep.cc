// What nobody needs any more: providers without mail, names without messages.
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
  forget_cells(p, now);
  for (const std::uint32_t path : provider.paths) {
    if (path == no_index) continue;
    suspects_.forget(path);
    leave_hosts(path, now);
  }
  paths_.forget_provider(p, now);
  doctor_.forget_provider(p);
  next_hops_.forget_provider(p);
}

void Dispatcher::forget_names() {
  Ledger::NamesUsed used = ledger_.names_used();
  for (std::uint32_t l = 0; l < lanes_.lanes.extent(); ++l) {
    if (lanes_.lanes[l].provider != no_index) used.tenants[lanes_.lanes[l].tenant] = true;
  }
  for (std::uint32_t c = 0; c < cells_.cells.extent(); ++c) {
    const Cell& cell = cells_.cells[c];
    if (cell.provider == no_index) continue;
    (cell.kind == CellKind::tenant ? used.tenants : used.mail_domains)[cell.name] = true;
  }
  suspects_.each_tenant([&](std::uint32_t tenant) { used.tenants[tenant] = true; });
  ledger_.forget_names(used);
}

}  // namespace mailweir::engine
