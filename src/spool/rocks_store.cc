#include "spool/rocks_store.h"

#include <fmt/format.h>
#include <rocksdb/env.h>
#include <rocksdb/listener.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "spool/crash_point.h"
#include "spool/rocks_wal_file.h"

namespace mailweir::spool {
namespace {

constexpr std::chrono::milliseconds stall_poll{5};

rocksdb::Slice slice(std::string_view text) {
  return {text.data(), text.size()};
}

Error open_error(const rocksdb::Status& status, const std::string& path) {
  if (status.ToString().find("/LOCK") != std::string::npos && !status.IsNoSpace()) {
    return Error{Errc::refused,
                 fmt::format("the spool {} is in use by another server ({}). One server owns a "
                             "spool directory: stop the other one, or configure another directory",
                             path, status.ToString())};
  }
  return to_error(status, fmt::format("open {}", path));
}

}  // namespace

// Hears from RocksDB's own threads what write() would otherwise only learn much later.
class StoreListener final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                         rocksdb::Status* status) override {
    const std::lock_guard lock(mutex_);
    // A full disk is left behind by reopening; so nothing may hide an error that is not.
    if (!error_ || error_->IsNoSpace()) error_ = *status;
    changed_.notify_all();
  }
  void OnStallConditionsChanged(const rocksdb::WriteStallInfo& /*info*/) override {
    changed_.notify_all();
  }
  void OnMemTableSealed(const rocksdb::MemTableInfo& info) override {
    crash_point("memtable.sealed");
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < family_count; ++i) {
      if (info.cf_name != family_names[i]) continue;
      std::rotate(seals_[i].begin(), seals_[i].end() - 1, seals_[i].end());
      seals_[i].front() = removals_;
    }
  }
  void OnFlushBegin(rocksdb::DB* /*db*/, const rocksdb::FlushJobInfo& /*info*/) override {
    crash_point("flush.begin");
  }
  void OnFlushCompleted(rocksdb::DB* /*db*/, const rocksdb::FlushJobInfo& /*info*/) override {
    crash_point("flush.completed");
  }
  void OnCompactionBegin(rocksdb::DB* /*db*/, const rocksdb::CompactionJobInfo& /*info*/) override {
    crash_point("compaction.begin");
  }
  void OnCompactionCompleted(rocksdb::DB* /*db*/,
                             const rocksdb::CompactionJobInfo& /*info*/) override {
    crash_point("compaction.completed");
  }

  std::optional<rocksdb::Status> error() const {
    const std::lock_guard lock(mutex_);
    return error_;
  }
  void count_removals(std::uint64_t count) { removals_ += count; }
  // Since the last `sealed` buffers before the one in use began.
  std::uint64_t removals_in(Family family, std::uint64_t sealed) const {
    const std::lock_guard lock(mutex_);
    const Seals& seals = seals_[static_cast<std::size_t>(family)];
    return removals_ - seals[std::min<std::size_t>(sealed, seals.size() - 1)];
  }
  void wait_for_change() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stall_poll);
  }

 private:
  // How many removals there had been when each of the last write buffers was sealed; the newest
  // first. As many as there can be, and one more.
  using Seals = std::array<std::uint64_t, buffers_max + 1>;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<rocksdb::Status> error_;
  std::atomic<std::uint64_t> removals_{0};
  std::array<Seals, family_count> seals_{};
};

RocksStore::RocksStore(std::string path, ByteCount memory_budget, rocksdb::Env* env)
    : path_(std::move(path)),
      memory_budget_(memory_budget),
      env_(rocksdb::NewCompositeEnv(std::make_shared<RocksWalFileSystem>(
          env != nullptr ? env->GetFileSystem() : rocksdb::FileSystem::Default()))),
      cache_(block_cache(memory_budget)) {}

RocksStore::~RocksStore() {
  close();
}

Result<void> RocksStore::open() {
  WEIR_ASSERT(!db_);
  listener_ = std::make_shared<StoreListener>();
  rocksdb::DBOptions settings = database_settings();
  settings.listeners.push_back(listener_);
  settings.manual_wal_flush = sync_is_sabotaged();
  settings.env = env_.get();
  if (!log_) log_ = std::make_shared<RocksLog>(path_);
  settings.info_log = log_;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (std::size_t i = 0; i < family_count; ++i) {
    families.emplace_back(std::string(family_names[i]),
                          family_settings(static_cast<Family>(i), memory_budget_, cache_));
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(settings, path_, families, &handles, &db);
  if (!status.ok()) return std::unexpected(open_error(status, path_));
  const std::unique_lock lock(open_mutex_);
  db_.reset(db);
  std::copy(handles.begin(), handles.end(), handles_.begin());
  return {};
}

std::vector<std::string> RocksStore::take_dropped() {
  return log_->take_dropped();
}

Result<void> RocksStore::reopen() {
  crash_point("reopen.before_close");
  close();
  WEIR_CHECK(open());
  crash_point("reopen.opened");
  return {};
}

void RocksStore::count_removals(std::uint64_t count) {
  listener_->count_removals(count);
}

std::uint64_t RocksStore::buffered_removals(Family family, rocksdb::DB& db) const {
  std::uint64_t sealed = 0;
  db.GetIntProperty(handle(family), rocksdb::DB::Properties::kNumImmutableMemTable, &sealed);
  return listener_->removals_in(family, sealed);
}

void RocksStore::cancel_compaction() {
  if (db_) db_->DisableManualCompaction();
}

void RocksStore::close() {
  cancel_compaction();  // or it would be waited for
  const std::unique_lock lock(open_mutex_);
  if (!db_) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  handles_ = {};
  // A log that cannot be closed well is recovered at the next open like one that was never closed.
  db_->Close().PermitUncheckedError();
  db_.reset();
}

Result<void> RocksStore::write(rocksdb::WriteBatch& batch) {
  WEIR_ASSERT(db_);
  rocksdb::WriteOptions options;
  options.sync = !sync_is_sabotaged();
  // Stalls are waited out here, where an error that would make them last for ever is noticed.
  options.no_slowdown = true;
  rocksdb::Status status = db_->Write(options, &batch);
  while (status.IsIncomplete()) {
    WEIR_CHECK(background_health());
    listener_->wait_for_change();
    status = db_->Write(options, &batch);
  }
  if (status.ok()) return {};
  Error error = to_error(status, "commit");
  // A database that refuses writes because a table is corrupt is as broken as its device.
  if (error.code != Errc::no_space) error.code = Errc::io;
  return std::unexpected(std::move(error));
}

Result<void> RocksStore::background_health() const {
  const std::optional<rocksdb::Status> status = listener_->error();
  if (!status) return {};
  Error error = to_error(*status, "background work");
  if (error.code != Errc::no_space) error.code = Errc::io;
  return std::unexpected(std::move(error));
}

Result<std::string> RocksStore::get(Family family, std::string_view key) const {
  return with_db([&](rocksdb::DB& db) -> Result<std::string> {
    std::string value;
    const rocksdb::Status status =
        db.Get(rocksdb::ReadOptions(), handle(family), slice(key), &value);
    if (!status.ok()) {
      return std::unexpected(
          to_error(status, fmt::format("read {}", family_names[static_cast<std::size_t>(family)])));
    }
    return value;
  });
}

Error RocksStore::closed_error() {
  return Error{Errc::no_space, "spool: closed until the disk has room to recover it"};
}

}  // namespace mailweir::spool
