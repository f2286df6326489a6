#include "spool/rocks_space.h"

#include <rocksdb/metadata.h>

#include <algorithm>

#include "spool/rocks_store.h"

namespace mailweir::spool {
namespace {

// While mail is refused, collecting may cost more, and less is worth it.
constexpr std::uint64_t pressing_floor_share = 16;  // of dead_max
constexpr std::uint64_t pressing_live_share = 8;    // dead bytes for so many live ones
constexpr std::uint64_t pressing_copy_share = 4;    // bytes copied for each that is freed
constexpr std::uint64_t removal_bytes = 32;         // of one removal in a table, at most
constexpr std::uint64_t room_share = 2;             // copies may take half of what is free

std::uint64_t property(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family,
                       const std::string& name) {
  std::uint64_t value = 0;
  return db.GetIntProperty(family, name, &value) ? value : 0;
}

// Entries of one family. Each key is put once and removed once, so removals stand for as many dead
// puts; those in the write buffers first for what was put there.
struct Entries {
  std::uint64_t puts = 0;  // in tables
  std::uint64_t removals = 0;
  std::uint64_t buffered_puts = 0;
  std::uint64_t buffered_removals = 0;

  // Of what is in tables and blob files.
  double dead_share() const {
    const std::uint64_t reaching = buffered_removals - std::min(buffered_removals, buffered_puts);
    return share(removals + reaching, puts);
  }
  // Of what is buffered, at most: were all that lives there.
  double buffered_live_share() const {
    const std::uint64_t all = puts + buffered_puts;
    return share(all - std::min(all, removals + buffered_removals), buffered_puts);
  }

 private:
  static double share(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) return 0;
    return static_cast<double>(std::min(part, whole)) / static_cast<double>(whole);
  }
};

Entries count_entries(const RocksStore& store, rocksdb::DB& db, Family family,
                      const rocksdb::ColumnFamilyMetaData& data) {
  using Properties = rocksdb::DB::Properties;
  Entries entries;
  for (const auto& level : data.levels) {
    for (const auto& table : level.files) {
      entries.puts += table.num_entries - std::min(table.num_entries, table.num_deletions);
      entries.removals += table.num_deletions;
    }
  }
  const std::uint64_t buffered =
      property(db, store.handle(family), Properties::kNumEntriesActiveMemTable) +
      property(db, store.handle(family), Properties::kNumEntriesImmMemTables);
  entries.buffered_removals = std::min(buffered, store.buffered_removals(family, db));
  entries.buffered_puts = buffered - entries.buffered_removals;
  return entries;
}

std::uint64_t part_of(std::uint64_t bytes, double share) {
  return static_cast<std::uint64_t>(static_cast<double>(bytes) * share);
}

std::uint64_t buffer_bytes(const RocksStore& store, rocksdb::DB& db, Family family) {
  return property(db, store.handle(family), rocksdb::DB::Properties::kCurSizeAllMemTables);
}

std::uint64_t garbage_limit(const SpaceUse& use, const GarbageRules& rules) {
  if (!rules.is_pressing) return std::max(rules.dead_max.value, use.live);
  return std::max(rules.dead_max.value / pressing_floor_share, use.live / pressing_live_share);
}

}  // namespace

SpaceUse measure_space(const RocksStore& store, rocksdb::DB& db) {
  SpaceUse use;
  for (const Family family : {Family::message, Family::body}) {
    rocksdb::ColumnFamilyMetaData data;
    db.GetColumnFamilyMetaData(store.handle(family), &data);
    std::uint64_t stored = data.size;
    for (const auto& blob : data.blob_files) {
      const std::uint64_t dead = std::min(blob.garbage_blob_bytes, blob.total_blob_bytes);
      use.blob_files.push_back({blob.total_blob_bytes - dead, dead});
      stored += blob.total_blob_bytes - dead;
      use.known += dead;
    }
    const Entries entries = count_entries(store, db, family, data);
    const std::uint64_t hidden = part_of(stored, entries.dead_share());
    use.hidden += hidden;
    use.live += stored - hidden;
    use.copies += part_of(data.size, 1 - entries.dead_share()) +
                  part_of(buffer_bytes(store, db, family), entries.buffered_live_share()) +
                  entries.buffered_removals * removal_bytes;
  }
  for (std::size_t i = 0; i < family_count; ++i) {
    use.buffers += buffer_bytes(store, db, static_cast<Family>(i));
  }
  return use;
}

bool is_sweep_worthwhile(const SpaceUse& use, const GarbageRules& rules) {
  const std::uint64_t limit = garbage_limit(use, rules);
  // While space is wanted, so is the log's; it goes when the write buffers are emptied.
  const std::uint64_t gain = use.hidden + (rules.is_pressing ? use.buffers : 0);
  // Where the dead are too many together, at least one of the two remedies must help.
  if (gain + use.known < limit || gain < limit / 2) return false;
  return use.copies <= rules.free / room_share;
}

std::size_t files_worth_rewriting(const SpaceUse& use, const GarbageRules& rules) {
  const std::uint64_t limit = garbage_limit(use, rules);
  if (use.dead() < limit) return 0;
  const std::uint64_t copy_share = rules.is_pressing ? pressing_copy_share : 1;
  std::uint64_t live = 0;
  std::uint64_t dead = 0;
  std::size_t worth = 0;
  for (std::size_t i = 0; i < use.blob_files.size(); ++i) {
    live += use.blob_files[i].live;
    dead += use.blob_files[i].dead;
    if (live > rules.free / room_share) break;
    if (dead >= limit / 2 && live <= dead * copy_share) worth = i + 1;
  }
  return worth;
}

}  // namespace mailweir::spool
