#include "mail/quoted_printable.h"

#include <array>
#include <cstddef>

namespace mailweir {
namespace {

constexpr std::size_t line_max = 76;

bool is_literal(char c) {
  return (c >= '!' && c <= '~' && c != '=') || c == ' ' || c == '\t';
}

void append_octet(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto octet = static_cast<unsigned char>(c);
  const std::array<char, 3> encoded = {'=', digits[octet >> 4], digits[octet & 15U]};
  out.append(encoded.data(), encoded.size());
}

void append_line(std::string& out, std::string_view line) {
  std::size_t column = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool last = i + 1 == line.size();
    const bool touched = i == 0 && (c == '.' || line.starts_with("From "));
    const bool literal = is_literal(c) && !touched && !(last && (c == ' ' || c == '\t'));
    const std::size_t width = literal ? 1 : 3;
    // Room for the '=' of a soft line break, except where the line ends here anyway.
    if (column + width > line_max - (last ? 0 : 1)) {
      out.append("=\r\n");
      column = 0;
    }
    if (literal && !(column == 0 && c == '.')) {
      out.push_back(c);
      column += 1;
    } else {
      append_octet(out, c);
      column += 3;
    }
  }
}

}  // namespace

std::string encode_quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  while (!text.empty()) {
    const std::size_t end = text.find("\r\n");
    append_line(out, text.substr(0, end));
    if (end == std::string_view::npos) break;
    out.append("\r\n");
    text.remove_prefix(end + 2);
  }
  return out;
}

}  // namespace mailweir
