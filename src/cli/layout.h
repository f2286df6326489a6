// Text for a terminal: what fits under what, in how many columns, and nothing that could drive the
// terminal itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mailweir::cli {

// Control characters, invalid UTF-8 and the marks that reverse text come out as \xNN: replies and
// headers are written by strangers. Newlines are escaped too; split before.
std::string printable(std::string_view text);

// Columns on a terminal: CJK characters take two, combining marks none.
std::size_t display_width(std::string_view utf8);

enum class Align : std::uint8_t { left, right };

// Rows under a header, columns two spaces apart, no trailing spaces.
class TextTable {
 public:
  struct Column {
    std::string title;
    Align align = Align::left;
  };
  explicit TextTable(std::vector<Column> columns);
  void add(std::vector<std::string> cells);  // as many as columns
  std::string to_string() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// "42s", "3m12s", "5h07m", "3d04h".
std::string age_text(double seconds);
// "1,204".
std::string count_text(std::uint64_t count);
// "812 B", "4.0 KiB", "1.2 GiB".
std::string size_text(std::uint64_t bytes);
// "2026-09-21T14:10:08.000Z" → "2026-09-21 14:10:08Z", milliseconds kept on demand; anything else
// unchanged.
std::string time_text(std::string_view rfc3339, bool with_milliseconds = false);

// The lines of `text`, without LF or CRLF; a final line end begins no further line.
std::vector<std::string_view> lines_of(std::string_view text);

}  // namespace mailweir::cli
