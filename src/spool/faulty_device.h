// A device for RocksDB that fails on demand.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace mailweir::spool::testing {

// What fails, and when: `countdown` writes or syncs still succeed, then all fail until disarmed.
struct Faults {
  enum class Kind { none, io, no_space };
  std::atomic<Kind> kind{Kind::none};
  std::atomic<std::int64_t> countdown{0};
  std::atomic<bool> struck{false};
  std::string suffix;  // only files so named; set before arming

  void arm(Kind with, std::int64_t after) {
    countdown = after;
    struck = false;
    kind = with;
  }
  void disarm() { kind = Kind::none; }
  // The status of one operation on `name`. A full disk still syncs.
  rocksdb::IOStatus next(std::string_view name, bool is_sync) {
    const Kind now = kind;
    if (now == Kind::none || !name.ends_with(suffix)) return rocksdb::IOStatus::OK();
    if (now == Kind::no_space && is_sync) return rocksdb::IOStatus::OK();
    if (countdown.fetch_sub(1) > 0) return rocksdb::IOStatus::OK();
    struck = true;
    if (now == Kind::no_space) return rocksdb::IOStatus::NoSpace("No space left on device");
    return rocksdb::IOStatus::IOError("Input/output error");
  }
};

class FaultyFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string name, Faults& faults)
      : FSWritableFileOwnerWrapper(std::move(file)), name_(std::move(name)), faults_(faults) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    return append(data, options, debug);
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& /*verification*/,
                           rocksdb::IODebugContext* debug) override {
    return append(data, options, debug);
  }
  rocksdb::IOStatus PositionedAppend(const rocksdb::Slice& data, std::uint64_t offset,
                                     const rocksdb::IOOptions& options,
                                     rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus fault = faults_.next(name_, false);
    rocksdb::IOStatus written = FSWritableFileOwnerWrapper::PositionedAppend(
        part_taken(data, fault), offset, options, debug);
    return fault.ok() ? written : fault;
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus fault = faults_.next(name_, true);
    return fault.ok() ? FSWritableFileOwnerWrapper::Sync(options, debug) : fault;
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override {
    rocksdb::IOStatus fault = faults_.next(name_, true);
    return fault.ok() ? FSWritableFileOwnerWrapper::Fsync(options, debug) : fault;
  }

 private:
  // A device that runs full takes the first half.
  static rocksdb::Slice part_taken(const rocksdb::Slice& data, const rocksdb::IOStatus& fault) {
    return {data.data(), fault.ok() ? data.size() : data.size() / 2};
  }
  rocksdb::IOStatus append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) {
    rocksdb::IOStatus fault = faults_.next(name_, false);
    rocksdb::IOStatus written =
        FSWritableFileOwnerWrapper::Append(part_taken(data, fault), options, debug);
    return fault.ok() ? written : fault;
  }

  const std::string name_;
  Faults& faults_;
};

class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyFileSystem(Faults& faults)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), faults_(faults) {}

  const char* Name() const override { return "FaultyFileSystem"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    rocksdb::IOStatus status = FileSystemWrapper::NewWritableFile(name, options, &file, debug);
    if (status.ok()) *result = std::make_unique<FaultyFile>(std::move(file), name, faults_);
    return status;
  }

 private:
  Faults& faults_;
};

// Owns the file system and the Env around it; the Faults outlive it.
class FaultyDevice {
 public:
  explicit FaultyDevice(Faults& faults)
      : env_(rocksdb::NewCompositeEnv(std::make_shared<FaultyFileSystem>(faults))) {}
  rocksdb::Env* env() { return env_.get(); }

 private:
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace mailweir::spool::testing
