// The MailChoice says which message goes next over a path, and which one asks a held path whether
// it is open again.
//
// Most canaries are refused, and where nobody answers what is sent hangs: so a small message goes
// that is not urgent, unless a deadline says otherwise. Once one was accepted, every permit is a
// delivery and the urgent go first. Borrows everything and changes nothing. Not thread-safe.
#pragma once

#include <cstdint>

#include "engine/cell_table.h"
#include "engine/lanes.h"
#include "engine/ledger.h"
#include "engine/next_hop_table.h"
#include "engine/path_table.h"
#include "engine/settings.h"

namespace mailweir::engine {

class MailChoice {
 public:
  MailChoice(const Ledger& ledger, const Lanes& lanes, const CellTable& cells,
             const Settings& settings)
      : ledger_(ledger), lanes_(lanes), cells_(cells), settings_(settings) {}

  pacing::Rank rank_of(std::uint32_t queue) const;

  // The queue of the hop whose first goes next over `path`, if it is at least as urgent as
  // `lowest`; no_index: none.
  std::uint32_t next_queue(const Hop& hop, const Path& path, pacing::Rank lowest,
                           Instant now) const;
  // The recipient of the queue that goes next over the path.
  std::uint32_t next_recipient(std::uint32_t queue, const Path& path, Instant now) const;
  // Every eighth transaction goes to what has waited longest: an urgent class that fills the path
  // alone must not starve the others for good.
  bool is_turn_of_oldest(const Path& path) const;

  // What is sent may well be refused or hang.
  bool asks_blindly(const Path& path) const;
  // The deadline of the queue's first falls before the next canary but one; the path has notes.
  bool presses(std::uint32_t queue, const Path& path, Instant now) const;

 private:
  int refusals_borne(const Path& path, Instant now) const;

  const Ledger& ledger_;
  const Lanes& lanes_;
  const CellTable& cells_;
  const Settings& settings_;
};

}  // namespace mailweir::engine
