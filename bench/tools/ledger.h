// An append-only file of lines, written before the thing it records is answered.
//
// `append` collects, `flush` writes what was collected with one system call. With `sync`, a thread
// of its own calls fdatasync behind the writes, so that the ledger outlives the machine without
// slowing the load. A write error ends the program: a load without its ledger proves nothing.
#pragma once
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "options.h"

namespace weir_tools {

class Ledger {
 public:
  Ledger(const std::string& path, bool sync) {
    if (path.empty()) return;
    fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd_ < 0) fail("cannot open the ledger", path);
    if (sync) thread_ = std::jthread([this](const std::stop_token& stop) { sync_loop(stop); });
  }
  ~Ledger() {
    flush();
    if (thread_.joinable()) {
      thread_.request_stop();
      thread_.join();
    }
    if (fd_ >= 0) ::close(fd_);
  }
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  bool is_open() const { return fd_ >= 0; }
  void append(std::string_view line) {
    if (fd_ >= 0) pending_.append(line);
  }
  void flush() {
    for (std::string_view left = pending_; !left.empty();) {
      const auto written = ::write(fd_, left.data(), left.size());
      if (written <= 0) fail("cannot write the ledger:", std::strerror(errno));
      left.remove_prefix(static_cast<std::size_t>(written));
    }
    if (!pending_.empty() && thread_.joinable()) {
      {
        const std::scoped_lock lock(mutex_);
        dirty_ = true;
      }
      wake_.notify_one();
    }
    pending_.clear();
  }

 private:
  void sync_loop(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (wake_.wait(lock, stop, [this] { return dirty_; }) || dirty_) {
      dirty_ = false;
      lock.unlock();
      if (::fdatasync(fd_) != 0) fail("cannot sync the ledger:", std::strerror(errno));
      lock.lock();
    }
  }

  int fd_ = -1;
  std::string pending_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool dirty_ = false;
  std::jthread thread_;
};

// The 64-bit little-endian word at FILE:OFFSET, read afresh every time: a fault injector's own
// clock. Always 0 without a file.
class Stamp {
 public:
  explicit Stamp(const std::string& where) {
    if (where.empty()) return;
    const auto colon = where.rfind(':');
    fd_ = ::open(where.substr(0, colon).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0 || colon == std::string::npos) fail("cannot open the stamp", where);
    offset_ = number<off_t>(std::string_view(where).substr(colon + 1));
  }
  ~Stamp() {
    if (fd_ >= 0) ::close(fd_);
  }
  Stamp(const Stamp&) = delete;
  Stamp& operator=(const Stamp&) = delete;

  std::uint64_t read() const {
    std::uint64_t value = 0;
    if (fd_ >= 0 && ::pread(fd_, &value, sizeof value, offset_) != sizeof value)
      fail("cannot read the stamp");
    return value;
  }

 private:
  int fd_ = -1;
  off_t offset_ = 0;
};

}  // namespace weir_tools
