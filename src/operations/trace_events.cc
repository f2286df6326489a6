#include <algorithm>
#include <cstring>
#include <deque>

#include "operations/event_files.h"
#include "operations/event_log.h"
#include "operations/file_io.h"

namespace mailweir::operations {
namespace {

constexpr std::size_t block_size =
    256 * 1024;  // stays in the processor's cache between reading and looking

// The newest lines found so far.
class Lines {
 public:
  explicit Lines(std::size_t lines_max) : lines_max_(lines_max) {}

  void add(std::string_view line) {
    if (lines_.size() == lines_max_) lines_.pop_front();
    if (lines_max_ > 0) lines_.emplace_back(line);
  }
  std::vector<std::string> take() {
    return {std::move_iterator(lines_.begin()), std::move_iterator(lines_.end())};
  }

 private:
  std::size_t lines_max_;
  std::deque<std::string> lines_;
};

bool holds(std::span<const IndexRecord> records, std::uint64_t id) {
  bool found = false;
  for (const IndexRecord& record : records)
    found |= record.id == id;  // no early end: this way it is vectorized
  return found;
}

struct IndexHits {
  std::vector<std::uint64_t> offsets;
  std::uint64_t last_offset = 0;  // of the last record
  bool is_empty = true;
};

Result<IndexHits> search_index(const InputFile& index, std::uint64_t id) {
  constexpr std::size_t group = 64;
  IndexHits hits;
  std::vector<IndexRecord> block(block_size / sizeof(IndexRecord));
  std::uint64_t offset = 0;
  for (;;) {
    const std::span<char> bytes(reinterpret_cast<char*>(block.data()), block_size);
    WEIR_TRY(const std::size_t got, index.read(bytes, offset));
    const std::span<const IndexRecord> records(block.data(), got / sizeof(IndexRecord));
    if (!records.empty()) {
      hits.last_offset = records.back().offset;
      hits.is_empty = false;
    }
    for (std::size_t at = 0; at < records.size(); at += group) {
      const auto part = records.subspan(at, std::min(group, records.size() - at));
      if (!holds(part, id)) continue;
      for (const IndexRecord& record : part) {
        if (record.id == id) hits.offsets.push_back(record.offset);
      }
    }
    if (got < block_size) return hits;
    offset += got;
  }
}

// Adds the lines of the message that begin at or after `offset`, `offset` being the beginning of a
// line.
Result<void> search_lines(const InputFile& data, std::uint64_t offset, MessageId id, Lines& lines) {
  std::string text;
  std::string block(block_size, '\0');
  for (;;) {
    WEIR_TRY(const std::size_t got, data.read(block, offset));
    text.append(block, 0, got);
    offset += got;
    std::size_t start = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos;
         end = text.find('\n', start)) {
      const std::string_view line(text.data() + start, end - start);
      if (id_of_line(line) == id) lines.add(line);
      start = end + 1;
    }
    text.erase(0, start);
    if (got < block_size) return {};
  }
}

// The whole line at `offset`; empty if none ends there.
Result<std::string> read_line(const InputFile& data, std::uint64_t offset) {
  std::string line;
  std::string block(2048, '\0');
  for (;;) {
    WEIR_TRY(const std::size_t got, data.read(block, offset + line.size()));
    const std::size_t newline = std::string_view(block.data(), got).find('\n');
    if (newline != std::string_view::npos) return line.append(block, 0, newline);
    if (got < block.size()) return std::string();
    line.append(block, 0, got);
  }
}

Result<void> trace_file(const EventFile& file, MessageId id, Lines& lines) {
  WEIR_TRY(const InputFile data, InputFile::open(file.path));
  const auto index = InputFile::open(index_path(file.path));
  if (!index) return search_lines(data, 0, id, lines);
  WEIR_TRY(const IndexHits hits, search_index(*index, id.value));
  WEIR_TRY(const std::uint64_t size, data.size());
  if (!hits.is_empty && hits.last_offset >= size)
    return search_lines(data, 0, id, lines);  // not this file's index
  for (const std::uint64_t offset : hits.offsets) {
    WEIR_TRY(const std::string line, read_line(data, offset));
    if (id_of_line(line) == id) lines.add(line);
  }
  // The lines are written before their index; a crash may have come between.
  std::uint64_t indexed = 0;
  if (!hits.is_empty) {
    WEIR_TRY(const std::string last, read_line(data, hits.last_offset));
    indexed = hits.last_offset + last.size() + 1;
  }
  return search_lines(data, indexed, id, lines);
}

}  // namespace

Result<std::vector<std::string>> trace_events(const std::filesystem::path& directory, MessageId id,
                                              std::size_t lines_max) {
  Lines lines(lines_max);
  for (const EventFile& file : list_event_files(directory)) {
    const auto traced = trace_file(file, id, lines);
    // A file that went away in between was the oldest, deleted to make room.
    if (!traced && traced.error().code != Errc::not_found) return std::unexpected(traced.error());
  }
  return lines.take();
}

}  // namespace mailweir::operations
