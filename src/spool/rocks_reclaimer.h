// The RocksReclaimer gives the disk back what removed mail took (rocks_space.h says why that does
// not happen by itself), on a thread of its own: commits and reads go on.
//
// It sleeps until poke(), and then looks at most once a second, more seldom where collecting takes
// long. One collection at a time; ending it, or recovering the store, cancels it. A device that
// fails while it works is noticed as after any other background work: at the next commit.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/result.h"
#include "base/units.h"
#include "spool/disk_guard.h"
#include "spool/rocks_space.h"
#include "spool/rocks_store.h"

namespace mailweir::spool {

class RocksReclaimer {
 public:
  // Called on the reclaimer's thread after each collection, with what it found afterwards.
  using Listener = std::function<void(const SpaceUse&)>;

  // Borrows `store` and `disk`, which outlive it.
  RocksReclaimer(RocksStore& store, DiskGuard& disk, ByteCount dead_max, Listener on_collected);
  // By the thread that writes to the store.
  ~RocksReclaimer();
  RocksReclaimer(const RocksReclaimer&) = delete;
  RocksReclaimer& operator=(const RocksReclaimer&) = delete;

  // There may be something to collect, or need to. From any thread; cheap.
  void poke();

 private:
  void run();
  bool wait_for_poke();
  void pause(std::chrono::steady_clock::duration worked);
  Result<bool> collect();  // whether there was anything to do
  Result<void> sweep();
  Result<void> rewrite(std::size_t files, std::size_t of);
  GarbageRules rules();

  RocksStore& store_;
  DiskGuard& disk_;
  const ByteCount dead_max_;
  const Listener on_collected_;
  std::atomic<bool> poked_{true};  // an earlier run may have left something
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace mailweir::spool
