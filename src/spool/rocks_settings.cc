#include "spool/rocks_settings.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>

#include "base/assert.h"

namespace mailweir::spool {
namespace {

constexpr std::uint64_t mebibyte = 1024 * 1024;
constexpr double bloom_bits_per_key = 10;

void share_table_settings(rocksdb::ColumnFamilyOptions& family,
                          const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;  // else they escape the memory budget
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(bloom_bits_per_key));
  table.format_version = 5;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
}

void reclaim_tombstones(rocksdb::ColumnFamilyOptions& family) {
  family.table_properties_collector_factories.push_back(
      rocksdb::NewCompactOnDeletionCollectorFactory(16'384, 8'192, 0.5));
}

// Puts come in id order, and so do removals: an insert starts from where the last one was.
void expect_sequential_ids(rocksdb::ColumnFamilyOptions& family) {
  constexpr std::size_t partition_size = 2;  // the first bytes of a key
  family.memtable_insert_with_hint_prefix_extractor.reset(
      rocksdb::NewFixedPrefixTransform(partition_size));
}

void keep_bodies_in_blobs(rocksdb::ColumnFamilyOptions& family) {
  // Parked mail is not rewritten by compaction; only its 20-byte reference is.
  family.enable_blob_files = true;
  family.min_blob_size = 1024;
  family.blob_file_size = 256 * mebibyte;
  family.enable_blob_garbage_collection = true;
  family.blob_garbage_collection_age_cutoff = 0.5;
  family.blob_garbage_collection_force_threshold = 0.5;
}

}  // namespace

rocksdb::DBOptions database_settings() {
  rocksdb::DBOptions db;
  db.create_if_missing = true;
  db.create_missing_column_families = true;

  // What was synced is recovered up to the first hole, and no further.
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  db.track_and_verify_wals_in_manifest = true;
  db.paranoid_checks = true;
  // Recovery rewrites the log into tables, so pages a failed fsync left only in the cache are
  // written again. It also keeps the next start short.
  db.avoid_flush_during_recovery = false;
  // We decide ourselves when to go on after an error: never after EIO, by reopening after ENOSPC.
  db.max_bgerror_resume_count = 0;

  db.max_total_wal_size = 256 * mebibyte;  // bounds the replay at start to about a second
  db.bytes_per_sync = mebibyte;            // write-back of tables does not pile up before a sync
  db.max_open_files = 4096;
  db.max_background_jobs = 2;
  // One thread writes: the machinery for many writers only costs.
  db.allow_concurrent_memtable_write = false;
  db.enable_write_thread_adaptive_yield = false;

  db.stats_dump_period_sec = 0;  // an idle spool stays asleep
  db.stats_persist_period_sec = 0;
  return db;
}

rocksdb::ColumnFamilyOptions family_settings(Family family, ByteCount memory_budget,
                                             const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions settings;
  settings.force_consistency_checks = true;
  settings.compression = rocksdb::kLZ4Compression;
  // Compaction is never behind by much here; a stall would hold up every acknowledgement.
  settings.level0_slowdown_writes_trigger = 40;
  settings.level0_stop_writes_trigger = 80;
  settings.soft_pending_compaction_bytes_limit = 0;
  settings.hard_pending_compaction_bytes_limit = 0;
  share_table_settings(settings, cache);
  const std::uint64_t budget = memory_budget.value;
  // The shares of the budget add up to all of it when every buffer is full: 3/4 for bodies.
  switch (family) {
    case Family::system:
      settings.write_buffer_size = budget / 128;
      settings.max_write_buffer_number = 2;
      break;
    case Family::message:
      settings.write_buffer_size = budget / 24;
      settings.max_write_buffer_number = buffers_max;
      settings.paranoid_file_checks = true;
      expect_sequential_ids(settings);
      reclaim_tombstones(settings);
      break;
    case Family::body:
      // A body that is delivered before its write buffer is full never reaches a table.
      settings.write_buffer_size = budget / 4;
      settings.max_write_buffer_number = buffers_max;
      settings.compression = rocksdb::kNoCompression;
      expect_sequential_ids(settings);
      keep_bodies_in_blobs(settings);
      reclaim_tombstones(settings);
      break;
    case Family::state:
      settings.write_buffer_size = budget / 64;
      settings.max_write_buffer_number = buffers_max;
      settings.paranoid_file_checks = true;
      reclaim_tombstones(settings);
      break;
  }
  return settings;
}

std::shared_ptr<rocksdb::Cache> block_cache(ByteCount memory_budget) {
  return rocksdb::NewLRUCache(memory_budget.value / 16);
}

Error to_error(const rocksdb::Status& status, std::string_view doing) {
  WEIR_ASSERT(!status.ok());
  Errc code = Errc::io;
  if (status.IsNotFound()) code = Errc::not_found;
  if (status.IsNoSpace()) code = Errc::no_space;
  if (status.IsCorruption()) code = Errc::corrupt;
  return Error{code, fmt::format("spool: {}: {}", doing, status.ToString())};
}

}  // namespace mailweir::spool
