#include "operations/file_io.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace mailweir::operations {

Error system_error(std::string_view what, const std::filesystem::path& path) {
  const int code = errno;
  const Errc errc = code == ENOSPC || code == EDQUOT ? Errc::no_space
                    : code == ENOENT                 ? Errc::not_found
                                                     : Errc::io;
  return {errc, fmt::format("cannot {} {}: {}", what, path.string(),
                            std::generic_category().message(code))};
}

Result<void> write_at(int fd, std::string_view bytes, std::uint64_t offset,
                      const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(system_error("write", path));
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

Result<std::size_t> read_at(int fd, std::span<char> bytes, std::uint64_t offset,
                            const std::filesystem::path& path) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got =
        pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(system_error("read", path));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<std::uint64_t> file_size(int fd, const std::filesystem::path& path) {
  struct stat facts{};
  if (fstat(fd, &facts) != 0) return std::unexpected(system_error("examine", path));
  return static_cast<std::uint64_t>(facts.st_size);
}

Result<InputFile> InputFile::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(system_error("open", path));
  return InputFile(fd, path);
}

InputFile::InputFile(InputFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

InputFile::~InputFile() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace mailweir::operations
