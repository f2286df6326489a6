// Whole reads and writes on file descriptors, with errors as Result.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mailweir::operations {

// The last errno as an Error: `no_space`, `not_found` or `io`.
Error system_error(std::string_view what, const std::filesystem::path& path);

Result<void> write_at(int fd, std::string_view bytes, std::uint64_t offset,
                      const std::filesystem::path& path);
// At most `size` bytes; fewer at the end of the file.
Result<std::size_t> read_at(int fd, std::span<char> bytes, std::uint64_t offset,
                            const std::filesystem::path& path);
Result<std::uint64_t> file_size(int fd, const std::filesystem::path& path);

// A file opened for reading, closed with the value.
class InputFile {
 public:
  static Result<InputFile> open(const std::filesystem::path& path);
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;
  ~InputFile();

  Result<std::size_t> read(std::span<char> bytes, std::uint64_t offset) const {
    return read_at(fd_, bytes, offset, path_);
  }
  Result<std::uint64_t> size() const { return file_size(fd_, path_); }

 private:
  InputFile(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}
  int fd_;
  std::filesystem::path path_;
};

}  // namespace mailweir::operations
