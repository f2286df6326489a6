// The RocksStore is RocksDB as the spool uses it: synced batches, point reads, and coming back
// after a full disk by closing and recovering the database as after a crash.
//
// Reopening, rather than rocksdb::DB::Resume(), because a log write that failed half-way may leave
// a hole that later records would stand behind; recovery cuts the log there.
//
// Threading: open(), write() and reopen() from one thread; reads from any. Reads during a reopen
// wait for it; while the disk has no room even for that, they fail with `no_space`.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <memory>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "spool/rocks_log.h"
#include "spool/rocks_settings.h"

namespace mailweir::spool {

class StoreListener;

class RocksStore {
 public:
  // `env` may be null: the real device.
  RocksStore(std::string path, ByteCount memory_budget, rocksdb::Env* env);
  ~RocksStore();
  RocksStore(const RocksStore&) = delete;
  RocksStore& operator=(const RocksStore&) = delete;

  Result<void> open();
  // Closes if need be, and recovers what is on the disk.
  Result<void> reopen();
  bool is_open() const { return db_ != nullptr; }

  // What open() had to leave out: ends of the log that do not pass their checksum.
  std::vector<std::string> take_dropped();

  // Atomic and durable. Only while open.
  Result<void> write(rocksdb::WriteBatch& batch);
  // What went wrong in the background (flush, compaction), if anything: nothing can be written
  // then.
  Result<void> background_health() const;

  // What write() just wrote removed so many messages.
  void count_removals(std::uint64_t count);
  // Of those, how many removals of `family` are not in its tables yet. In with_db() only. (RocksDB
  // counts deletions in its write buffers, but not single deletions.)
  std::uint64_t buffered_removals(Family family, rocksdb::DB& db) const;
  // Ends the compaction that another thread asked for in with_db(), and refuses more until the next
  // open(). By the writing thread.
  void cancel_compaction();

  rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return handles_[static_cast<std::size_t>(family)];
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles() const {
    return {handles_.begin(), handles_.end()};
  }

  // Fails with `not_found` where there is no such key.
  Result<std::string> get(Family family, std::string_view key) const;
  // Calls `read(rocksdb::DB&)` while the database is certain to stay open.
  template <class Read>
  auto with_db(Read&& read) const -> decltype(read(std::declval<rocksdb::DB&>())) {
    const std::shared_lock lock(open_mutex_);
    if (!db_) return std::unexpected(closed_error());
    return read(*db_);
  }

 private:
  void close();
  static Error closed_error();

  const std::string path_;
  const ByteCount memory_budget_;
  const std::unique_ptr<rocksdb::Env> env_;
  const std::shared_ptr<rocksdb::Cache> cache_;
  std::shared_ptr<StoreListener> listener_;
  std::shared_ptr<RocksLog> log_;
  mutable std::shared_mutex open_mutex_;  // exclusively: db_ comes or goes
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, family_count> handles_{};
};

}  // namespace mailweir::spool
