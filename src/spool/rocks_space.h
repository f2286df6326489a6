// How much of what the spool's tables and blob files take is dead, and what is worth collecting.
//
// A removal frees nothing by itself: a content stays in its blob file until a compaction has let
// its removal meet its reference (a sweep), and then until its whole file is dead or the living
// have been copied out of it (a rewrite). RocksDB does either only while it writes tables; so a
// queue that has drained, or one that is refused for want of space, would keep its dead for ever.
#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <vector>

#include "base/units.h"

namespace mailweir::spool {

class RocksStore;

// All in bytes.
struct SpaceUse {
  struct BlobFile {
    std::uint64_t live = 0;
    std::uint64_t dead = 0;  // as far as it is known
  };

  std::uint64_t live = 0;            // estimated: of tables and blob files
  std::uint64_t hidden = 0;          // estimated: removed, but the removal has not met it yet
  std::uint64_t known = 0;           // removed and counted, in blob files that are not wholly dead
  std::uint64_t copies = 0;          // estimated: what a sweep has to write
  std::uint64_t buffers = 0;         // not in tables yet; the log is at least as large
  std::vector<BlobFile> blob_files;  // the oldest first

  std::uint64_t dead() const { return hidden + known; }
};

// What is on the disk. `store` must be open and stay so: call it in RocksStore::with_db().
SpaceUse measure_space(const RocksStore& store, rocksdb::DB& db);

// What lets dead bytes be collected.
struct GarbageRules {
  ByteCount dead_max;        // kept without need; more only while there is more mail than that
  std::uint64_t free = 0;    // on the disk
  bool is_pressing = false;  // mail is refused for want of space
};

// Whether to let removals meet what they remove.
bool is_sweep_worthwhile(const SpaceUse& use, const GarbageRules& rules);

// How many of the oldest blob files to rewrite without their dead; 0: it is not worth it, or there
// is no room for the copies.
std::size_t files_worth_rewriting(const SpaceUse& use, const GarbageRules& rules);

}  // namespace mailweir::spool
