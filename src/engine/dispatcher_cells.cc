// What is narrower than a path, or wider: mail whose sender's domain, signature, tenant or network
// of sources is throttled at a provider steps aside until its cell opens.
#include "engine/dispatcher.h"

namespace mailweir::engine {

// Puts the first message of the queue off if one of its cells does not let it start. True: it did,
// and the queue may be empty now.
bool Dispatcher::park_blocked(std::uint32_t q, Instant now) {
  const std::uint32_t provider = lanes_.lanes[lanes_.queues[q].lane].provider;
  if (!cells_.table.has_any(provider)) return false;
  const std::uint32_t r = lanes_.queues[q].recipients.first(ledger_);
  const Message& message = ledger_.messages[ledger_.recipients[r].message];
  const CellsMet met = cells_.met_by(message, provider);
  if (!met.any()) return false;
  const auto its_class = static_cast<std::uint8_t>(message.message_class);
  const Instant at = cells_.table.start_at(met, settings_.rank(its_class), now);
  if (at <= now) return false;
  withdraw(r);
  ledger_.recipients[r].due = at;
  ledger_.recipients[r].is_parked = true;
  ledger_.move(r, Stage::deferred);
  retries_.schedule(r);
  return true;
}

CellsEnd Dispatcher::cells_of(std::uint32_t t) const {
  const Transaction& transaction = book_.transactions[t];
  return {.met = transaction.cells,
          .message = ledger_.messages[transaction.message],
          .path = book_.sessions[transaction.session].path,
          .begun = transaction.cells_begun,
          .concerned = {},
          .host = book_.sessions[transaction.session].host,
          .host_cell = transaction.host_cell,
          .host_signal = {}};
}

void Dispatcher::cells_ended(const CellsEnd& ended, const AttemptEnd& end,
                             const pacing::Grant& grant, Instant now) {
  cells_.ended(ended, end, grant, now);
  session_hosts_.ended(ended, end, now);
}

std::optional<pacing::LearnedState> Dispatcher::learned_state(std::uint32_t p, Instant now) const {
  const pacing::PathController* own = paths_[p].pacer->controller();
  if (own == nullptr) return std::nullopt;
  const Cell* network = cells_.network_cell(p);
  const bool is_network = own->mode() == pacing::Mode::open && network != nullptr &&
                          network->controller->mode() != pacing::Mode::open;
  return is_network ? network->controller->state(now) : own->state(now);
}

// The cells of an earlier run come back when their provider is first sent to, or sent to again.
void Dispatcher::adopt_cells(std::uint32_t provider, Instant now) {
  const std::string& key = next_hops_.providers[provider].key();
  for (auto it = paths_.images_of_cells(key); it; it = paths_.images_of_cells(key)) {
    const std::string_view name = it->name;
    if (name.starts_with(host_mark)) {
      hosts_.adopt(provider, name.substr(host_mark.size()), it->image, it->as_of, now);
    } else {
      cells_.adopt(provider, name.substr(cell_mark.size()), it->image, it->as_of, now);
    }
  }
}

}  // namespace mailweir::engine
