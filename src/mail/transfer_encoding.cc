#include "mail/transfer_encoding.h"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/ascii.h"

namespace mailweir {
namespace {

constexpr int no_digit = -1;

int hex_digit(char c) {
  if (ascii::is_digit(c)) return c - '0';
  const char folded = ascii::to_lower(c);
  return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : no_digit;
}

int base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (ascii::is_digit(c)) return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : no_digit;
}

// The length of a soft line break behind a '=', blanks before the line end included; the end of the
// text is one, too.
std::optional<std::size_t> soft_break(std::string_view rest) {
  constexpr std::size_t blanks_max = 80;
  std::size_t at = 0;
  while (at < rest.size() && at < blanks_max && (rest[at] == ' ' || rest[at] == '\t')) ++at;
  if (at == rest.size()) return at;
  if (rest[at] == '\n') return at + 1;
  if (rest.substr(at).starts_with("\r\n")) return at + 2;
  return std::nullopt;
}

}  // namespace

std::string decode_quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t mark = text.find('=');
    out.append(text.substr(0, mark));
    if (mark == std::string_view::npos) break;
    text.remove_prefix(mark + 1);
    const int high = text.size() > 1 ? hex_digit(text[0]) : no_digit;
    const int low = text.size() > 1 ? hex_digit(text[1]) : no_digit;
    if (high != no_digit && low != no_digit) {
      out.push_back(static_cast<char>(high * 16 + low));
      text.remove_prefix(2);
    } else if (const auto length = soft_break(text)) {
      text.remove_prefix(*length);
    } else {
      out.push_back('=');
    }
  }
  return out;
}

std::string decode_base64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    if (c == '=') break;
    const int digit = base64_digit(c);
    if (digit == no_digit) continue;
    bits = bits << 6U | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<char>(bits >> static_cast<unsigned>(held) & 0xFFU));
  }
  return out;
}

std::string decode_transfer(std::string_view text, std::string_view encoding) {
  encoding = ascii::trimmed(encoding);
  if (ascii::is_same(encoding, "quoted-printable")) return decode_quoted_printable(text);
  if (ascii::is_same(encoding, "base64")) return decode_base64(text);
  return std::string(text);
}

}  // namespace mailweir
