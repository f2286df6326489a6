#include "cli/environment.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <system_error>

namespace mailweir::cli {
namespace {

// More than any message the server takes.
constexpr std::size_t read_max = std::size_t{1} << 30;

Result<std::string> read_all(const std::string& file) {
  const bool is_input = file == "-";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(
      is_input ? nullptr : std::fopen(file.c_str(), "rb"),
      [](std::FILE* stream) { return std::fclose(stream); });
  std::FILE* stream = is_input ? stdin : opened.get();
  const auto failed = [&file] {
    return fail(Errc::io,
                fmt::format("cannot read {}: {}", file, std::generic_category().message(errno)));
  };
  if (stream == nullptr) return failed();
  std::string bytes;
  char buffer[65536];
  while (std::feof(stream) == 0 && std::ferror(stream) == 0 && bytes.size() < read_max)
    bytes.append(buffer, std::fread(buffer, 1, sizeof buffer, stream));
  if (std::ferror(stream) != 0) return failed();
  return bytes;
}

std::string read_terminal_line() {
  std::string line;
  for (int c = std::getchar(); c != EOF && c != '\n'; c = std::getchar())
    line.push_back(static_cast<char>(c));
  return line;
}

}  // namespace

Environment process_environment() {
  return {.variable = [](const char* name) -> std::optional<std::string> {
            const char* value = std::getenv(name);
            return value == nullptr ? std::nullopt : std::optional<std::string>(value);
          },
          .out = [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); },
          .err =
              [](std::string_view text) {
                std::fflush(stdout);
                std::fwrite(text.data(), 1, text.size(), stderr);
              },
          .read = read_all,
          .read_line = read_terminal_line,
          .out_is_terminal = ::isatty(STDOUT_FILENO) == 1,
          .in_is_terminal = ::isatty(STDIN_FILENO) == 1};
}

}  // namespace mailweir::cli
