#include "smtp/client_capabilities.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace mailweir::smtp {
namespace {

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

bool is_keyword(std::string_view word, std::string_view keyword) {
  return std::ranges::equal(word, keyword, {}, upper);
}

// A limit beyond 64 bits, or one that is no number, says nothing.
std::uint64_t read_limit(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : 0;
}

void read_line(PeerCapabilities& capabilities, std::string_view line) {
  const std::size_t space = line.find(' ');
  const std::string_view keyword = line.substr(0, space);
  std::string_view rest = space == line.npos ? std::string_view{} : line.substr(space + 1);
  while (rest.ends_with(' ')) rest.remove_suffix(1);

  if (is_keyword(keyword, "PIPELINING")) {
    capabilities.pipelining = true;
  } else if (is_keyword(keyword, "8BITMIME")) {
    capabilities.eight_bit_mime = true;
  } else if (is_keyword(keyword, "SMTPUTF8")) {
    capabilities.smtputf8 = true;
  } else if (is_keyword(keyword, "DSN")) {
    capabilities.dsn = true;
  } else if (is_keyword(keyword, "STARTTLS")) {
    capabilities.starttls = true;
  } else if (is_keyword(keyword, "ENHANCEDSTATUSCODES")) {
    capabilities.enhanced_status_codes = true;
  } else if (is_keyword(keyword, "SIZE")) {
    capabilities.size = true;
    capabilities.size_max = read_limit(rest);
  }
}

}  // namespace

PeerCapabilities parse_capabilities(const Reply& ehlo) {
  PeerCapabilities capabilities;
  std::string_view text = ehlo.text;
  // The first line is the server's name and greeting, whatever words it holds.
  std::size_t end = text.find('\n');
  while (end != text.npos) {
    text.remove_prefix(end + 1);
    end = text.find('\n');
    read_line(capabilities, text.substr(0, end));
  }
  return capabilities;
}

}  // namespace mailweir::smtp
