// The CellKeeper opens cells where a refusal names them or a sender stands out, learns from what
// their mail meets, tells people, and keeps them over a restart. What waits for a cell is the
// Dispatcher's.
//
// Borrows all but its table. Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cell_table.h"
#include "engine/engine_views.h"
#include "engine/ledger.h"
#include "engine/next_hop_table.h"
#include "engine/order.h"
#include "engine/path_table.h"
#include "engine/path_watch.h"
#include "engine/settings.h"
#include "engine/suspects.h"

namespace mailweir::engine {

// What is narrower than a path, or wider, learns from the end of a transaction.
struct CellsEnd {
  CellsMet met;     // of the transaction
  Message message;  // its record may be gone
  std::uint32_t path = no_index;
  Instant begun{};                    // the attempt, for its cells
  std::optional<CellKind> concerned;  // named in the refusal
  std::string_view host;              // of the session, which lives on
  std::uint32_t host_cell = no_index;
  std::optional<pacing::Signal> host_signal;  // that was about the host, not the path

  bool any() const { return met.any() || concerned || host_cell != no_index || host_signal; }
};

class CellKeeper {
 public:
  CellKeeper(PathTable& paths, const NextHopTable& next_hops, const Settings& settings,
             Ledger& ledger, const Suspects& suspects, std::vector<Order>& orders)
      : paths_(paths),
        next_hops_(next_hops),
        settings_(settings),
        ledger_(ledger),
        suspects_(suspects),
        orders_(orders) {}

  CellTable table;

  CellsMet met_by(const Message& message, std::uint32_t provider) const;
  // Whether a refusal that names such a cell has one to wait for, or may open one.
  bool has_cell_for(std::uint32_t message, CellKind kind, std::uint32_t path, Instant now);
  void ended(const CellsEnd& ended, const AttemptEnd& end, const pacing::Grant& grant, Instant now);
  // Slows first the campaign or tenant whose traffic plainly preceded the hold of the path.
  void slow_suspect(std::uint32_t path, Instant now);

  // The cell that such a message waits for: the first that is not open, else the first it meets.
  std::optional<CellView> view_of(const Message& message, std::uint32_t provider,
                                  Instant now) const;

  // The cells at the provider that are not open, or slowed on suspicion.
  std::vector<CellView> shut_at(std::uint32_t provider, Instant now) const;

  // That all sources share which the message may leave from; empty: they do not.
  std::string_view network_of(const Message& message) const;
  // The network cell whose pace the mail of this path's pools shares; null: there is none.
  const Cell* network_cell(std::uint32_t path) const;
  void forget_network(std::uint32_t path, Forgotten& forgotten, Instant now);
  // The operator wants all cells at the provider forgotten.
  void forget(std::uint32_t provider, Forgotten& forgotten, Instant now);
  // Keeps the cell of that name, without the mark, as it is now; nothing of it, if there is none.
  void keep(const PathName& of, std::string_view name, Instant now);

  // A cell of an earlier run, or one that was forgotten; its name without the mark. What is held
  // stays held. False: there is no room, or the image cannot be read.
  bool adopt(std::uint32_t provider, std::string_view name, const std::string& image, Instant as_of,
             Instant now);
  // The provider goes. What a refusal has taught waits for its return.
  void leave(std::uint32_t provider, Instant now);

 private:
  // `network`: of what its paths alone have carried; empty: all.
  pacing::LearningSettings settings_of(std::uint32_t provider, Instant now,
                                       std::string_view network = {}) const;
  std::uint32_t open(const CellsEnd& ended, CellKind kind, Instant now);
  CellView view_of(const Cell& cell, Instant now) const;
  std::string name_of(const Cell& cell) const;
  NameTable& names_of(CellKind kind) const;
  // no_index: there is none of that name.
  std::uint32_t named(const std::string& provider, std::string_view name) const;
  std::string image_of(const Cell& cell, Instant now) const;
  // Empty: no refusal has taught it anything.
  std::string image_to_keep(const Cell& cell, Instant now) const;
  void forget(Cell& cell, Forgotten& forgotten, Instant now);
  void keep(const Cell& cell, Instant now);
  void tell(const Cell& cell, Notice::Kind kind, const AttemptEnd& end, Instant now);

  PathTable& paths_;
  const NextHopTable& next_hops_;
  const Settings& settings_;
  Ledger& ledger_;
  const Suspects& suspects_;
  std::vector<Order>& orders_;
};

}  // namespace mailweir::engine
