#include "spool/rocks_log.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdarg>
#include <string_view>
#include <utility>

#include "base/time.h"

namespace mailweir::spool {
namespace {

constexpr std::size_t file_size_max = 4 * 1024 * 1024;
constexpr std::size_t line_size_max = 4096;

}  // namespace

RocksLog::RocksLog(const std::string& directory)
    : Logger(rocksdb::InfoLogLevel::INFO_LEVEL), path_(directory + "/LOG") {
  begin_file();
}

void RocksLog::begin_file() {
  file_.reset();
  std::rename(path_.c_str(), (path_ + ".old").c_str());
  file_.reset(std::fopen(path_.c_str(), "we"));
  size_ = 0;
}

void RocksLog::Logv(const char* format, va_list arguments) {
  Logv(rocksdb::InfoLogLevel::INFO_LEVEL, format, arguments);
}

void RocksLog::Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) {
  if (level < GetInfoLogLevel()) return;
  std::array<char, line_size_max> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  const std::string_view message(text.data());
  const auto now = std::chrono::system_clock::now();
  const std::string line =
      fmt::format("{} {}\n", to_rfc3339(std::chrono::time_point_cast<Duration>(now)), message);

  const std::lock_guard lock(mutex_);
  if (level == rocksdb::InfoLogLevel::WARN_LEVEL && message.find(": dropping ") != message.npos) {
    dropped_.push_back(
        fmt::format("spool: recovery left out the unreadable end of a log: {}", message));
  }
  if (!file_) return;
  std::fwrite(line.data(), 1, line.size(), file_.get());
  std::fflush(file_.get());
  size_ += line.size();
  if (size_ >= file_size_max) begin_file();
}

std::vector<std::string> RocksLog::take_dropped() {
  const std::lock_guard lock(mutex_);
  return std::exchange(dropped_, {});
}

}  // namespace mailweir::spool
