#include "operations/event_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "operations/file_io.h"

namespace mailweir::operations {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view name_prefix = "events-";
constexpr std::string_view name_suffix = ".jsonl";
constexpr std::size_t block_size = 256 * 1024;

std::optional<std::uint64_t> position_in_name(std::string_view name) {
  if (!name.starts_with(name_prefix) || !name.ends_with(name_suffix)) return std::nullopt;
  name.remove_prefix(name_prefix.size());
  name.remove_suffix(name_suffix.size());
  std::uint64_t position = 0;
  const char* end = name.data() + name.size();
  const auto [stop, errc] = std::from_chars(name.data(), end, position);
  return errc == std::errc{} && stop == end ? std::optional(position) : std::nullopt;
}

std::uint64_t size_or_zero(const fs::path& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  return error ? 0 : size;
}

Result<int> open_for_writing(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) return std::unexpected(system_error("open", path));
  return fd;
}

Result<std::string> read_range(int fd, std::uint64_t from, std::uint64_t to, const fs::path& path) {
  std::string text(to - from, '\0');
  WEIR_TRY(const std::size_t got, read_at(fd, text, from, path));
  text.resize(got);
  return text;
}

// Where the last whole line ends: a crash may have torn what follows.
Result<std::uint64_t> end_of_lines(int fd, std::uint64_t size, const fs::path& path) {
  while (size > 0) {
    const std::uint64_t from = size > block_size ? size - block_size : 0;
    WEIR_TRY(const std::string block, read_range(fd, from, size, path));
    if (const std::size_t newline = block.rfind('\n'); newline != std::string::npos)
      return from + newline + 1;
    size = from;
  }
  return 0;
}

// The line that starts at `offset`, without its newline; empty when none does.
Result<std::string> line_at(int fd, std::uint64_t offset, std::uint64_t size,
                            const fs::path& path) {
  std::string line;
  while (offset < size) {
    WEIR_TRY(const std::string block, read_range(fd, offset, std::min(size, offset + 4096), path));
    const std::size_t newline = block.find('\n');
    line.append(block, 0, newline);
    if (newline != std::string::npos) return line;
    offset += block.size();
  }
  return std::string();
}

std::string_view as_bytes(std::span<const IndexRecord> records) {
  return {reinterpret_cast<const char*>(records.data()), records.size_bytes()};
}

struct IndexRepair {
  std::uint64_t index_size = 0;     // of the part that can be kept
  std::uint64_t indexed_up_to = 0;  // end of the last line it covers
};

// How much of the index is to be trusted: all of it if its last record names the line it points at,
// else nothing.
Result<IndexRepair> check_index(int index_fd, int data_fd, std::uint64_t data_size,
                                const fs::path& path) {
  WEIR_TRY(std::uint64_t size, file_size(index_fd, path));
  size -= size % sizeof(IndexRecord);
  while (size > 0) {
    IndexRecord record;
    const std::span<char> bytes(reinterpret_cast<char*>(&record), sizeof record);
    WEIR_TRY(const std::size_t got, read_at(index_fd, bytes, size - sizeof record, path));
    if (got != sizeof record) return IndexRepair{};
    if (record.offset >= data_size) {  // of a line that was cut off
      size -= sizeof record;
      continue;
    }
    WEIR_TRY(const std::string line, line_at(data_fd, record.offset, data_size, path));
    if (id_of_line(line).value != record.id) return IndexRepair{};
    return IndexRepair{.index_size = size, .indexed_up_to = record.offset + line.size() + 1};
  }
  return IndexRepair{};
}

}  // namespace

fs::path index_path(const fs::path& file) {
  return fs::path(file).replace_extension(".idx");
}

std::vector<EventFile> list_event_files(const fs::path& directory) {
  std::vector<EventFile> files;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const auto position = position_in_name(it->path().filename().native());
    if (position) files.push_back({.path = it->path(), .position = *position});
  }
  std::ranges::sort(files, {}, &EventFile::position);
  return files;
}

MessageId id_of_line(std::string_view line) {
  constexpr std::string_view marker = R"("id":")";
  constexpr std::size_t id_length = 13;
  // "time" and "type" stand before it and hold nothing a peer sent.
  constexpr std::size_t before_max = 100;
  const std::size_t at = line.substr(0, before_max).find(marker);
  if (at == std::string_view::npos) return {};
  return parse_message_id(line.substr(at + marker.size(), id_length)).value_or(MessageId{});
}

std::vector<IndexRecord> index_lines(std::string_view text, std::uint64_t offset) {
  std::vector<IndexRecord> records;
  std::size_t start = 0;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos;
       end = text.find('\n', start)) {
    const MessageId id = id_of_line(text.substr(start, end - start));
    if (id != MessageId{}) records.push_back({.id = id.value, .offset = offset + start});
    start = end + 1;
  }
  return records;
}

EventFiles::EventFiles(fs::path directory, Limits limits)
    : directory_(std::move(directory)), limits_(limits) {}

EventFiles::EventFiles(EventFiles&& other) noexcept
    : directory_(std::move(other.directory_)),
      limits_(other.limits_),
      data_fd_(std::exchange(other.data_fd_, -1)),
      index_fd_(std::exchange(other.index_fd_, -1)),
      first_(other.first_),
      size_(other.size_),
      index_size_(other.index_size_),
      older_bytes_(other.older_bytes_) {}

EventFiles::~EventFiles() {
  close();
}

void EventFiles::close() {
  if (data_fd_ >= 0) ::close(data_fd_);
  if (index_fd_ >= 0) ::close(index_fd_);
  data_fd_ = -1;
  index_fd_ = -1;
}

Result<EventFiles> EventFiles::open(fs::path directory, Limits limits) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) {
    return fail(Errc::io, fmt::format("cannot create the folder {} of the event log: {}",
                                      directory.string(), error.message()));
  }
  EventFiles files(std::move(directory), limits);
  const std::vector<EventFile> present = list_event_files(files.directory_);
  for (const EventFile& file : present) {
    if (&file != &present.back())
      files.older_bytes_ += size_or_zero(file.path) + size_or_zero(index_path(file.path));
  }
  if (present.empty()) {
    WEIR_CHECK(files.start_file(0));
  } else {
    WEIR_CHECK(files.continue_file(present.back()));
  }
  files.delete_oldest();
  return files;
}

Result<void> EventFiles::continue_file(const EventFile& file) {
  const fs::path index = index_path(file.path);
  WEIR_TRY(data_fd_, open_for_writing(file.path));
  WEIR_TRY(index_fd_, open_for_writing(index));
  first_ = file.position;
  WEIR_TRY(const std::uint64_t size_found, file_size(data_fd_, file.path));
  WEIR_TRY(size_, end_of_lines(data_fd_, size_found, file.path));
  if (size_ < size_found && ftruncate(data_fd_, static_cast<off_t>(size_)) != 0) {
    return std::unexpected(system_error("shorten", file.path));
  }
  WEIR_TRY(const IndexRepair repair, check_index(index_fd_, data_fd_, size_, index));
  index_size_ = repair.index_size;
  if (ftruncate(index_fd_, static_cast<off_t>(index_size_)) != 0)
    return std::unexpected(system_error("shorten", index));
  WEIR_TRY(const std::string rest, read_range(data_fd_, repair.indexed_up_to, size_, file.path));
  const std::vector<IndexRecord> missing = index_lines(rest, repair.indexed_up_to);
  WEIR_CHECK(write_at(index_fd_, as_bytes(missing), index_size_, index));
  index_size_ += missing.size() * sizeof(IndexRecord);
  return {};
}

Result<void> EventFiles::start_file(std::uint64_t position) {
  const fs::path path = directory_ / fmt::format("{}{:020}{}", name_prefix, position, name_suffix);
  WEIR_TRY(const int data_fd, open_for_writing(path));
  auto index_fd = open_for_writing(index_path(path));
  if (!index_fd) {
    ::close(data_fd);
    return std::unexpected(index_fd.error());
  }
  older_bytes_ += size_ + index_size_;
  close();
  data_fd_ = data_fd;
  index_fd_ = *index_fd;
  first_ = position;
  size_ = 0;
  index_size_ = 0;
  return {};
}

Result<void> EventFiles::write(std::string_view lines, std::span<const IndexRecord> index) {
  if (size_ > 0 && size_ + lines.size() > limits_.file_size_max.value) {
    WEIR_CHECK(start_file(position()));
    delete_oldest();
  }
  WEIR_CHECK(write_at(data_fd_, lines, size_, directory_));
  std::vector<IndexRecord> in_file(index.begin(), index.end());
  for (IndexRecord& record : in_file) record.offset -= first_;
  WEIR_CHECK(write_at(index_fd_, as_bytes(in_file), index_size_, directory_));
  size_ += lines.size();
  index_size_ += in_file.size() * sizeof(IndexRecord);
  return {};
}

void EventFiles::delete_oldest() {
  if (bytes_on_disk() <= limits_.total_size_max.value) return;
  for (const EventFile& file : list_event_files(directory_)) {
    if (file.position == first_ || bytes_on_disk() <= limits_.total_size_max.value) return;
    const std::uint64_t bytes = size_or_zero(file.path) + size_or_zero(index_path(file.path));
    std::error_code error;
    fs::remove(index_path(file.path), error);
    if (!fs::remove(file.path, error)) return;  // tried again at the next change of files
    older_bytes_ -= std::min(bytes, older_bytes_);
  }
}

}  // namespace mailweir::operations
