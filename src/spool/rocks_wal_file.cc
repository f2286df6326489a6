#include "spool/rocks_wal_file.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mailweir::spool {
namespace {

constexpr std::uint64_t step = 256 * 1024;
// A sync that brings more than this hides what the journal costs.
constexpr std::uint64_t small_sync_max = 16 * 1024;
constexpr std::uint64_t syncs_remembered = 8;

}  // namespace

rocksdb::IOStatus RocksWalFile::Append(const rocksdb::Slice& data,
                                       const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) {
  rocksdb::IOStatus status = target()->PositionedAppend(data, size_, options, debug);
  if (!status.ok()) return status;
  size_ += data.size();
  if (size_ > written_to_) {
    written_to_ = size_;
    if (has_room_ && sync_average_ <= small_sync_max) write_zeros(options, debug);
  }
  return status;
}

rocksdb::IOStatus RocksWalFile::Append(const rocksdb::Slice& data,
                                       const rocksdb::IOOptions& options,
                                       const rocksdb::DataVerificationInfo& /*verification*/,
                                       rocksdb::IODebugContext* debug) {
  return Append(data, options, debug);
}

// They are a favour: if there is no room for them, the log goes on without.
void RocksWalFile::write_zeros(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) {
  static constexpr std::array<char, 64 * 1024> zeros{};
  const std::uint64_t end = (size_ / step + 1) * step;
  while (written_to_ < end) {
    const rocksdb::Slice piece(zeros.data(),
                               std::min<std::uint64_t>(zeros.size(), end - written_to_));
    has_room_ = target()->PositionedAppend(piece, written_to_, options, debug).ok();
    written_to_ += piece.size();  // of a piece that failed a part may be there: Close() cuts it off
    if (!has_room_) return;
  }
}

void RocksWalFile::note_sync() {
  const std::uint64_t brought = size_ - std::exchange(synced_, size_);
  sync_average_ = (sync_average_ * (syncs_remembered - 1) + brought) / syncs_remembered;
}

rocksdb::IOStatus RocksWalFile::Sync(const rocksdb::IOOptions& options,
                                     rocksdb::IODebugContext* debug) {
  note_sync();
  return FSWritableFileOwnerWrapper::Sync(options, debug);
}

rocksdb::IOStatus RocksWalFile::Fsync(const rocksdb::IOOptions& options,
                                      rocksdb::IODebugContext* debug) {
  note_sync();
  return FSWritableFileOwnerWrapper::Fsync(options, debug);
}

rocksdb::IOStatus RocksWalFile::Close(const rocksdb::IOOptions& options,
                                      rocksdb::IODebugContext* debug) {
  const rocksdb::IOStatus cut =
      written_to_ > size_ ? target()->Truncate(size_, options, debug) : rocksdb::IOStatus::OK();
  rocksdb::IOStatus closed = FSWritableFileOwnerWrapper::Close(options, debug);
  return cut.ok() ? closed : cut;
}

std::uint64_t RocksWalFile::GetFileSize(const rocksdb::IOOptions&, rocksdb::IODebugContext*) {
  return size_;
}

rocksdb::IOStatus RocksWalFileSystem::NewWritableFile(
    const std::string& name, const rocksdb::FileOptions& options,
    std::unique_ptr<rocksdb::FSWritableFile>* result, rocksdb::IODebugContext* debug) {
  rocksdb::IOStatus status = FileSystemWrapper::NewWritableFile(name, options, result, debug);
  if (status.ok() && name.ends_with(".log"))
    *result = std::make_unique<RocksWalFile>(std::move(*result));
  return status;
}

}  // namespace mailweir::spool
