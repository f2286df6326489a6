#include "spool/rocks_reclaimer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/thread.h"

namespace mailweir::spool {
namespace {

using std::chrono::steady_clock;

// Between two looks: a second, or ten times as long as the collection took, a minute at most.
constexpr int pause_factor = 10;
constexpr steady_clock::duration pause_min = std::chrono::seconds(1);
constexpr steady_clock::duration pause_max = std::chrono::minutes(1);

Result<void> checked(const rocksdb::Status& status, std::string_view doing) {
  if (status.ok()) return {};
  return std::unexpected(to_error(status, doing));
}

}  // namespace

RocksReclaimer::RocksReclaimer(RocksStore& store, DiskGuard& disk, ByteCount dead_max,
                               Listener on_collected)
    : store_(store),
      disk_(disk),
      dead_max_(dead_max),
      on_collected_(std::move(on_collected)),
      thread_([this] {
        introduce_thread("reclaim");
        run();
      }) {}

RocksReclaimer::~RocksReclaimer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  store_.cancel_compaction();
  thread_.join();
}

void RocksReclaimer::poke() {
  if (poked_.load(std::memory_order_relaxed) || poked_.exchange(true)) return;
  // With the lock, so that a thread that has looked at poked_ but does not wait yet hears of it.
  {
    const std::lock_guard lock(mutex_);
  }
  wake_.notify_all();
}

void RocksReclaimer::run() {
  while (wait_for_poke()) {
    const auto begin = steady_clock::now();
    const auto collected = collect();
    // What was begun for want of space is gone on with, though nobody removes anything now.
    if (collected && *collected && rules().is_pressing) poked_ = true;
    pause(steady_clock::now() - begin);
  }
}

// False: it is time to end.
bool RocksReclaimer::wait_for_poke() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || poked_; });
  poked_ = false;
  return !stopping_;
}

void RocksReclaimer::pause(steady_clock::duration worked) {
  const auto length = std::clamp(pause_factor * worked, pause_min, pause_max);
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, length, [this] { return stopping_; });
}

GarbageRules RocksReclaimer::rules() {
  return {dead_max_, disk_.usage().bytes_free, disk_.wants_space()};
}

Result<bool> RocksReclaimer::collect() {
  const auto measure = [this](rocksdb::DB& db) -> Result<SpaceUse> {
    return measure_space(store_, db);
  };
  WEIR_TRY(SpaceUse use, store_.with_db(measure));
  const bool sweeps = is_sweep_worthwhile(use, rules());
  if (sweeps) {
    WEIR_CHECK(sweep());
    WEIR_TRY(use, store_.with_db(measure));
  }
  const std::size_t files = files_worth_rewriting(use, rules());
  if (files > 0) {
    WEIR_CHECK(rewrite(files, use.blob_files.size()));
    WEIR_TRY(use, store_.with_db(measure));
  }
  if (!sweeps && files == 0) return false;
  if (on_collected_) on_collected_(use);
  return true;
}

// Puts everything into tables, which also frees the log, and lets removals meet what they remove.
Result<void> RocksReclaimer::sweep() {
  return store_.with_db([this](rocksdb::DB& db) -> Result<void> {
    rocksdb::FlushOptions flush;
    WEIR_CHECK(checked(db.Flush(flush, store_.handles()), "flush to reclaim space"));
    rocksdb::CompactRangeOptions options;
    options.exclusive_manual_compaction = false;
    options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kDisable;
    for (const Family family : {Family::body, Family::message, Family::state}) {
      WEIR_CHECK(checked(db.CompactRange(options, store_.handle(family), nullptr, nullptr),
                         "sweep out what was removed"));
    }
    return {};
  });
}

Result<void> RocksReclaimer::rewrite(std::size_t files, std::size_t of) {
  return store_.with_db([&](rocksdb::DB& db) -> Result<void> {
    rocksdb::CompactRangeOptions options;
    options.exclusive_manual_compaction = false;
    // References lie in the last level, which is otherwise left alone.
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
    // RocksDB rounds the number of files down.
    options.blob_garbage_collection_age_cutoff =
        std::min(1.0, (static_cast<double>(files) + 0.5) / static_cast<double>(of));
    return checked(db.CompactRange(options, store_.handle(Family::body), nullptr, nullptr),
                   "rewrite contents to reclaim space");
  });
}

}  // namespace mailweir::spool
