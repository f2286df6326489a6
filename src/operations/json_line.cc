#include "operations/json_line.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>

#include "mail/utf8.h"

namespace mailweir::operations {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

// What may be copied as it is: printable ASCII but for quote and backslash.
constexpr auto plain = [] {
  std::array<bool, 256> table{};
  for (unsigned c = 0x20; c < 0x7F; ++c) table[c] = c != '"' && c != '\\';
  return table;
}();

void append_control(std::string& out, unsigned char byte) {
  constexpr std::string_view hex = "0123456789abcdef";
  switch (byte) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
  }
}

std::size_t plain_length(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && plain[static_cast<unsigned char>(text[end])]) ++end;
  return end - from;
}

}  // namespace

void JsonLine::begin() {
  text_.assign(1, '{');
  is_first_ = true;
}

std::string_view JsonLine::end() {
  text_ += "}\n";
  return text_;
}

void JsonLine::separate() {
  if (!is_first_) text_ += ',';
  is_first_ = false;
}

void JsonLine::key(std::string_view name) {
  separate();
  text_ += '"';
  text_ += name;
  text_ += "\":";
}

void JsonLine::field(std::string_view name, std::string_view value) {
  key(name);
  quoted(value);
}

void JsonLine::field(std::string_view name, bool value) {
  key(name);
  text_ += value ? "true" : "false";
}

void JsonLine::unsigned_field(std::string_view name, std::uint64_t value) {
  key(name);
  std::array<char, 20> digits{};
  const auto [end, errc] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  text_.append(digits.data(), end);
}

void JsonLine::field(std::string_view name, UnixTime time) {
  const std::int64_t microseconds = time.time_since_epoch().count();
  std::int64_t second = microseconds / 1'000'000;
  if (microseconds % 1'000'000 < 0) --second;
  if (second != second_) {
    second_ = second;
    const std::string rendered = to_rfc3339(UnixTime(std::chrono::seconds(second)));
    std::memcpy(second_text_, rendered.data(), std::min(rendered.size(), sizeof second_text_));
  }
  const auto milliseconds = static_cast<unsigned>((microseconds - second * 1'000'000) / 1000);
  key(name);
  text_ += '"';
  text_.append(second_text_, sizeof second_text_);  // "2026-11-22T08:41:13."
  text_ += static_cast<char>('0' + milliseconds / 100);
  text_ += static_cast<char>('0' + milliseconds / 10 % 10);
  text_ += static_cast<char>('0' + milliseconds % 10);
  text_ += "Z\"";
}

void JsonLine::field(std::string_view name, double value) {
  key(name);
  if (std::isfinite(value)) {
    fmt::format_to(std::back_inserter(text_), "{:.6g}", value);
  } else {
    text_ += "null";
  }
}

void JsonLine::milliseconds_field(std::string_view name, Duration value) {
  const std::int64_t microseconds = std::max<std::int64_t>(value.count(), 0);
  unsigned_field(name, static_cast<std::uint64_t>(microseconds) / 1000);
  // Tenths matter on a LAN; whole milliseconds do from ten on.
  if (microseconds < 10'000 && microseconds % 1000 >= 100) {
    text_ += '.';
    text_ += static_cast<char>('0' + microseconds % 1000 / 100);
  }
}

void JsonLine::begin_array(std::string_view name) {
  key(name);
  text_ += '[';
  is_first_ = true;
}

void JsonLine::element(std::string_view value) {
  separate();
  quoted(value);
}

void JsonLine::end_array() {
  text_ += ']';
  is_first_ = false;
}

void JsonLine::begin_object(std::string_view name) {
  key(name);
  text_ += '{';
  is_first_ = true;
}

void JsonLine::end_object() {
  text_ += '}';
  is_first_ = false;
}

void JsonLine::quoted(std::string_view text) {
  text_ += '"';
  const std::size_t length = plain_length(text, 0);
  text_.append(text, 0, length);
  if (length < text.size()) escape_rest(text, length);
  text_ += '"';
}

void JsonLine::escape_rest(std::string_view text, std::size_t from) {
  std::size_t at = from;
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) {
      append_control(text_, byte);
      ++at;
    } else if (const std::size_t length = first_character(text.substr(at)).length; length > 0) {
      text_.append(text, at, length);
      at += length;
    } else {
      text_ += replacement;
      ++at;
    }
    const std::size_t run = plain_length(text, at);
    text_.append(text, at, run);
    at += run;
  }
}

}  // namespace mailweir::operations
