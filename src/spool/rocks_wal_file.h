// The file system that RocksDB's write-ahead log is written through: it keeps zeros ahead of the
// end of the log.
//
// A sync of a file that has grown makes the file system commit its journal as well, two further
// writes; one inside blocks that are written already is a single write (ext4: 160 µs become 100
// µs). So zeros go ahead in steps, and a sync that falls inside them costs less. Only while syncs
// are small: under load many messages share one, the journal no longer matters, and zeros would
// double what is written.
//
// Every write to the log is followed by its sync before the next one is given: so there is never a
// hole of zeros in front of a record that was kept.
//
// A log that was not closed ends in zeros; RocksDB takes them for the end of the log. What a
// machine's death left half written fails its checksum, as it did without zeros.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <string>

namespace mailweir::spool {

// Not thread-safe, as RocksDB promises for one file's writer.
class RocksWalFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  explicit RocksWalFile(std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& verification,
                           rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override;
  // Cuts the zeros off.
  rocksdb::IOStatus Close(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* debug) override;
  // Appending and syncing count in the same place.
  bool IsSyncThreadSafe() const override { return false; }
  std::uint64_t GetFileSize(const rocksdb::IOOptions& options,
                            rocksdb::IODebugContext* debug) override;

 private:
  void write_zeros(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug);
  void note_sync();

  std::uint64_t size_ = 0;          // of the log
  std::uint64_t written_to_ = 0;    // zeros included
  std::uint64_t synced_ = 0;        // of `size_`, at the last sync
  bool has_room_ = true;            // false: zeros have failed, and are not tried again
  std::uint64_t sync_average_ = 0;  // octets a sync brings, lately
};

class RocksWalFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;

  const char* Name() const override { return "MailweirWalFileSystem"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
};

}  // namespace mailweir::spool
