// The DiskGuard watches the room on the spool's disk and keeps a ballast file to give back.
//
// Mail is refused before the disk is full; what is inside can then still be delivered and removed.
// When the disk does fill up (someone else wrote), the ballast is released: its room lets RocksDB
// recover. It is laid down again before mail is accepted again. Safe from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/units.h"
#include "spool/spool.h"

namespace mailweir::spool {

struct DiskLimits {
  std::uint64_t min_free = 0;  // bytes
  std::uint64_t ballast = 0;   // bytes
};

// The limits for a disk of `bytes_total`, where the operator named none.
DiskLimits disk_limits(std::optional<ByteCount> min_free, std::optional<ByteCount> ballast,
                       std::uint64_t bytes_total);

class DiskGuard {
 public:
  // Measures the disk under `directory` and lays down the ballast if there is room for it.
  static Result<std::unique_ptr<DiskGuard>> open(std::string directory,
                                                 std::optional<ByteCount> min_free,
                                                 std::optional<ByteCount> ballast);

  // Whether new mail may come in. Refuses below min_free, accepts again an eighth above it.
  bool has_room();
  // Whether mail is refused, by us or by who goes by usage(); until it is accepted again.
  bool wants_space();
  // The disk turned out to be full: gives the ballast back, and refuses until there is room again.
  void release_ballast();
  // At most a second old.
  Usage usage();
  // For a person: what is free, what is wanted.
  std::string describe();

 private:
  DiskGuard(std::string directory, DiskLimits limits);

  Usage measured(bool now);  // with the lock held
  void adopt_ballast();      // keeps an earlier run's, if it is of the wanted size
  bool lay_down_ballast();   // with the lock held; whether it is there

  const std::string directory_;
  const std::string ballast_path_;
  const DiskLimits limits_;
  std::mutex mutex_;
  Usage usage_;
  std::chrono::steady_clock::time_point measured_at_;
  bool has_ballast_ = false;
  bool refusing_ = false;
  bool is_short_ = false;
};

}  // namespace mailweir::spool
