#include "spool/disk_guard.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace mailweir::spool {
namespace {

constexpr std::uint64_t gibibyte = 1024ULL * 1024 * 1024;
constexpr std::uint64_t min_free_share = 20;  // a twentieth of the disk
constexpr std::uint64_t ballast_share = 16;
constexpr std::uint64_t hysteresis_share = 8;  // of min_free
constexpr std::chrono::seconds usage_age_max{1};
constexpr const char* ballast_name = "ballast";
constexpr std::uint64_t block_size = 512;  // st_blocks counts in these, whatever the disk does

std::string errno_text(int error) {
  return std::generic_category().message(error);
}

// RocksDB's files live in one flat directory. One that vanishes meanwhile counts as nothing.
std::uint64_t bytes_in(const std::string& directory) {
  std::uint64_t sum = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; entry != end && !error;
       entry.increment(error)) {
    struct stat info{};
    if (entry->path().filename() == ballast_name) continue;
    if (::lstat(entry->path().c_str(), &info) != 0) continue;
    sum += static_cast<std::uint64_t>(info.st_blocks) * block_size;
  }
  return sum;
}

}  // namespace

DiskLimits disk_limits(std::optional<ByteCount> min_free, std::optional<ByteCount> ballast,
                       std::uint64_t bytes_total) {
  DiskLimits limits;
  limits.min_free =
      min_free ? min_free->value : std::min(bytes_total / min_free_share, 2 * gibibyte);
  limits.ballast = ballast ? ballast->value : std::min(bytes_total / ballast_share, gibibyte);
  return limits;
}

Result<std::unique_ptr<DiskGuard>> DiskGuard::open(std::string directory,
                                                   std::optional<ByteCount> min_free,
                                                   std::optional<ByteCount> ballast) {
  struct statvfs disk{};
  if (::statvfs(directory.c_str(), &disk) != 0) {
    return fail(Errc::io, fmt::format("spool: statvfs {}: {}", directory, errno_text(errno)));
  }
  const DiskLimits limits = disk_limits(min_free, ballast, disk.f_blocks * disk.f_frsize);
  std::unique_ptr<DiskGuard> guard(new DiskGuard(std::move(directory), limits));
  const std::lock_guard lock(guard->mutex_);
  guard->adopt_ballast();
  guard->measured(true);
  guard->lay_down_ballast();
  return guard;
}

DiskGuard::DiskGuard(std::string directory, DiskLimits limits)
    : directory_(std::move(directory)),
      ballast_path_(directory_ + "/" + ballast_name),
      limits_(limits) {}

bool DiskGuard::has_room() {
  const std::lock_guard lock(mutex_);
  const std::uint64_t free = measured(false).bytes_free;
  if (!refusing_) {
    refusing_ = free < limits_.min_free;
  } else if (free >= limits_.min_free + limits_.min_free / hysteresis_share) {
    refusing_ = !lay_down_ballast();
  }
  return !refusing_;
}

bool DiskGuard::wants_space() {
  const std::lock_guard lock(mutex_);
  const std::uint64_t more = is_short_ ? limits_.min_free / hysteresis_share : 0;
  is_short_ = measured(false).bytes_free < limits_.min_free + more;
  return is_short_ || refusing_;
}

void DiskGuard::release_ballast() {
  const std::lock_guard lock(mutex_);
  refusing_ = true;
  if (has_ballast_) ::unlink(ballast_path_.c_str());
  has_ballast_ = false;
  measured(true);
}

Usage DiskGuard::usage() {
  const std::lock_guard lock(mutex_);
  return measured(false);
}

std::string DiskGuard::describe() {
  const std::lock_guard lock(mutex_);
  return fmt::format("{} free of {} on the disk of {}; mail is refused below {}",
                     to_string(ByteCount{usage_.bytes_free}),
                     to_string(ByteCount{usage_.bytes_total}), directory_,
                     to_string(ByteCount{limits_.min_free}));
}

Usage DiskGuard::measured(bool now) {
  const auto time = std::chrono::steady_clock::now();
  if (!now && time - measured_at_ < usage_age_max) return usage_;
  measured_at_ = time;
  struct statvfs disk{};
  if (::statvfs(directory_.c_str(), &disk) != 0) return usage_;
  usage_.bytes_free = disk.f_bavail * disk.f_frsize;
  usage_.bytes_total = disk.f_blocks * disk.f_frsize;
  usage_.bytes_on_disk = bytes_in(directory_);
  return usage_;
}

void DiskGuard::adopt_ballast() {
  struct stat info{};
  if (::lstat(ballast_path_.c_str(), &info) != 0) return;
  has_ballast_ = static_cast<std::uint64_t>(info.st_size) == limits_.ballast;
  if (!has_ballast_) ::unlink(ballast_path_.c_str());
}

bool DiskGuard::lay_down_ballast() {
  if (has_ballast_ || limits_.ballast == 0) return true;
  if (usage_.bytes_free < limits_.min_free + limits_.ballast) return false;
  const int file = ::open(ballast_path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) return false;
  // Not posix_fallocate: where the file system cannot reserve, that would write every byte.
  const int reserved = ::fallocate(file, 0, 0, static_cast<off_t>(limits_.ballast));
  const int error = errno;
  ::close(file);
  has_ballast_ = reserved == 0;
  if (!has_ballast_) ::unlink(ballast_path_.c_str());
  measured(true);
  // Without a ballast a full disk is only harder to get out of; that is no reason to refuse mail.
  return has_ballast_ || error == EOPNOTSUPP;
}

}  // namespace mailweir::spool
