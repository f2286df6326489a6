// The text that weir_source sends and weir_sink can check: a small header with the message's token,
// then a filler that depends on its length only. Both are in wire form (dot-stuffed, CRLF), so a
// byte-wise comparison needs no decoding.
//
// These tools share no code with the server: a fault in ours must not hide a fault in theirs.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace weir_tools {

inline constexpr std::string_view filler_line =
    "Gallia est omnis divisa in partes tres, quarum unam incolunt Belgae, 0123456789\r\n";
inline constexpr std::string_view filler_dots =
    "..a line that begins with a dot on the other side\r\n";

// Exactly `size` bytes of complete lines; `size` must be 0 or at least 2.
inline std::string filler(std::size_t size) {
  std::string text;
  text.reserve(size);
  for (std::size_t n = 0; text.size() + filler_line.size() + 2 < size; ++n) {
    const bool dots = n % 16 == 7 && text.size() + filler_dots.size() + 2 < size;
    text += dots ? filler_dots : filler_line;
  }
  if (text.size() < size) {
    text.append(size - text.size() - 2, 'x');
    text += "\r\n";
  }
  return text;
}

inline std::string header(std::string_view token, std::string_view domain) {
  std::string text = "From: <source@weir.test>\r\nTo: <";
  text.append(token).append("@").append(domain).append(">\r\nSubject: ").append(token);
  text.append("\r\nMessage-ID: <")
      .append(token)
      .append("@weir.test>\r\nDate: Mon, 01 Jan 2024 00:00:00 +0000\r\n\r\n");
  return text;
}

}  // namespace weir_tools
