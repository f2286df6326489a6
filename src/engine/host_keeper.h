// The HostKeeper opens the cells of single MX hosts where something speaks against one of them,
// learns from what they answer, tells people, and keeps the cells over a restart. Which session
// goes where is the Dispatcher's.
//
// Borrows all but its cells. Not thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/host_cells.h"
#include "engine/next_hop_table.h"
#include "engine/order.h"
#include "engine/path_table.h"
#include "engine/path_watch.h"
#include "engine/settings.h"

namespace mailweir::engine {

class HostKeeper {
 public:
  HostKeeper(PathTable& paths, const NextHopTable& next_hops, const Settings& settings,
             std::vector<Order>& orders)
      : paths_(paths), next_hops_(next_hops), settings_(settings), orders_(orders) {}

  HostCells cells;

  // When a session of that source may be opened to one of the hop's hosts; `now`: at once.
  Instant free_at(std::uint16_t source, const Hop& hop, Instant now) const;
  // The host that the first message of a new session is to ask; no_index: none.
  std::uint32_t due(std::uint32_t path, const Hop& hop, Instant now);
  // The cell of a host that something has spoken against, new if need be; no_index: no room.
  std::uint32_t open(std::uint32_t path, std::string_view host, Instant now);

  // The end of an attempt that was begun for the cell. A held or held_again: sessions to it should
  // end.
  pacing::Change ended(std::uint32_t cell, const AttemptEnd& end, Instant started, Instant now);
  // The host did not let us in, and another one did, in a session opened at `since`.
  pacing::Change failed_alone(std::uint32_t path, const AttemptEnd& end, Instant since,
                              Instant now);

  // A cell of an earlier run, or one that was forgotten; its name without the mark. What is held
  // stays held. False: its source has gone or learns nothing, or the image cannot be read.
  bool adopt(std::uint32_t provider, std::string_view name, const std::string& image, Instant as_of,
             Instant now);
  // The path goes. What a refusal has taught waits for its return.
  void leave(std::uint32_t path, Instant now);
  // The operator wants all of the path's forgotten.
  void forget(std::uint32_t path, Forgotten& forgotten, Instant now);
  // Keeps the cell of that name, without the mark, as it is now; nothing of it, if there is none.
  void keep(const PathName& of, std::string_view name, Instant now);

 private:
  pacing::LearningSettings settings_of(std::uint32_t path, Instant now) const;
  // The path and the host that such a name means; no_index: the path is not in use.
  std::pair<std::uint32_t, std::string_view> named(std::uint32_t provider,
                                                   std::string_view name) const;
  std::string image_of(const HostCell& cell, Instant now) const;
  // Empty: nothing has held it.
  std::string image_to_keep(const HostCell& cell, Instant now) const;
  pacing::Change tell_of(const HostCell& cell, pacing::Change change, Instant now);
  void tell(const HostCell& cell, Notice::Kind kind, Instant now);
  std::string kept_name(const HostCell& cell) const;
  const std::string& provider_of(std::uint32_t path) const;

  PathTable& paths_;
  const NextHopTable& next_hops_;
  const Settings& settings_;
  std::vector<Order>& orders_;
};

}  // namespace mailweir::engine
