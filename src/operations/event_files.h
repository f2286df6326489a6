// EventFiles is the folder of the event log: naming, rotation, indices, and repair after a crash.
// See event_log.h for the format.
//
// One thread writes. A failed write changes nothing that counts: the same call again continues
// where it stood.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/units.h"

namespace mailweir::operations {

// One record of an index, as stored: 16 bytes, native order.
struct IndexRecord {
  std::uint64_t id = 0;
  std::uint64_t offset = 0;  // of the line in its file
};

struct EventFile {
  std::filesystem::path path;
  std::uint64_t position = 0;  // of its first byte in the whole log
};

std::filesystem::path index_path(const std::filesystem::path& file);

// Those of a folder, oldest first; empty when there is no such folder.
std::vector<EventFile> list_event_files(const std::filesystem::path& directory);

// The message a line belongs to, zero if none: its "id" field, which the log writes among the
// first.
MessageId id_of_line(std::string_view line);

// The index of whole lines of `text`, which begins at `offset` in its file.
std::vector<IndexRecord> index_lines(std::string_view text, std::uint64_t offset);

class EventFiles {
 public:
  struct Limits {
    ByteCount file_size_max;
    ByteCount total_size_max;
  };

  // Creates the folder; cuts a torn line off the newest file and completes its index.
  static Result<EventFiles> open(std::filesystem::path directory, Limits limits);
  EventFiles(EventFiles&& other) noexcept;
  EventFiles& operator=(EventFiles&&) = delete;
  ~EventFiles();

  // Where the next line will stand.
  std::uint64_t position() const { return first_ + size_; }
  std::uint64_t bytes_on_disk() const { return older_bytes_ + size_ + index_size_; }

  // Appends whole lines; the offsets of `index` are positions in the whole log.
  Result<void> write(std::string_view lines, std::span<const IndexRecord> index);

 private:
  EventFiles(std::filesystem::path directory, Limits limits);
  Result<void> continue_file(const EventFile& file);
  Result<void> start_file(std::uint64_t position);
  void close();
  void delete_oldest();

  std::filesystem::path directory_;
  Limits limits_;
  int data_fd_ = -1;
  int index_fd_ = -1;
  std::uint64_t first_ = 0;  // position of the present file
  std::uint64_t size_ = 0;
  std::uint64_t index_size_ = 0;
  std::uint64_t older_bytes_ = 0;  // of all files but the present one
};

}  // namespace mailweir::operations
