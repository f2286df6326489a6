#include "simulate/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mailweir::simulate {
namespace {

// Enough for the words of our own tables: CJK and full-width forms are three bytes in UTF-8 and
// begin with 0xE3 … 0xE9 or 0xEF, all else is one column.
std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) == 0x80) continue;
    columns += (byte >= 0xE3 && byte <= 0xE9) || byte == 0xEF ? 2 : 1;
  }
  return columns;
}

}  // namespace

std::string duration_text(Duration duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds < 10) return fmt::format("{:.2f}s", seconds);
  const auto whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{}s", whole);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  return fmt::format("{}d{:02}h", whole / 86400, whole / 3600 % 24);
}

std::string optional_text(const std::optional<Duration>& duration) {
  return duration ? duration_text(*duration) : "—";
}

std::string optional_percent(const std::optional<double>& percent, int decimals) {
  return percent ? fmt::format("{:.{}f}%", *percent, decimals) : "—";
}

std::optional<double> share_of_oracle(const std::optional<double>& regret_percent) {
  if (!regret_percent) return std::nullopt;
  return 100 - *regret_percent;
}

std::string count_text(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string share_text(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "–";
  // Never 100 % while something is missing.
  const double percent = 100 * static_cast<double>(part) / static_cast<double>(whole);
  if (part < whole) return fmt::format("{:.1f}%", std::min(percent, 99.9));
  return "100%";
}

std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c)
      widths[c] = std::max(widths[c], columns_of(row[c]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string room(widths[c] - columns_of(row[c]), ' ');
      line += c == 0 ? row[c] + room : "  " + room + row[c];
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace mailweir::simulate
