// The Agenda says what the Dispatcher has to look at next: what has been marked because something
// about it changed, and what wants to be looked at when a time comes.
//
// Marking is idempotent and O(1); a mark costs nothing more until it is taken. Borrows the tables,
// whose elements carry the flags. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/next_hop_table.h"
#include "engine/path_table.h"
#include "engine/wake_queue.h"

namespace mailweir::engine {

class Agenda {
 public:
  Agenda(NextHopTable& next_hops, PathTable& paths) : next_hops_(next_hops), paths_(paths) {}

  void mark_hop(std::uint32_t hop);
  void mark_path(std::uint32_t path);
  void mark_provider(
      std::uint32_t provider);  // of no effect if nobody waits for a connection there

  bool has_marked() const {
    return !marked_hops_.indices.empty() || !marked_paths_.indices.empty() ||
           !marked_providers_.indices.empty();
  }
  // The one marked first, which is marked no more; no_index: none is left. What is marked meanwhile
  // comes behind.
  std::uint32_t take_hop();
  std::uint32_t take_path();
  std::uint32_t take_provider();

  // Wanted again at `at`, if not before.
  void arm_hop(std::uint32_t hop, Instant at);
  void arm_path(std::uint32_t path, Instant at);
  Instant next_wake() const { return wakes_.next(); }
  // What was armed for `now` or before, earliest first; nothing: no more.
  std::optional<Wake> take_due(Instant now);

 private:
  struct Marked {
    std::uint32_t take();

    std::vector<std::uint32_t> indices;
    std::size_t taken = 0;
  };

  NextHopTable& next_hops_;
  PathTable& paths_;
  Marked marked_hops_;
  Marked marked_paths_;
  Marked marked_providers_;
  WakeQueue wakes_;
};

}  // namespace mailweir::engine
