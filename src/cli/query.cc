#include "cli/query.h"

#include <fmt/format.h>

namespace mailweir::cli {

std::string percent_encode(std::string_view text) {
  constexpr std::string_view unreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";  // RFC 3986
  std::string encoded;
  for (const char c : text) {
    if (unreserved.find(c) != std::string_view::npos) {
      encoded.push_back(c);
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

void Query::add(std::string_view name, std::string_view value) {
  text_ += text_.empty() ? '?' : '&';
  text_ += name;
  text_ += '=';
  text_ += percent_encode(value);
}

void Query::add_if(std::string_view name, std::string_view value) {
  if (!value.empty()) add(name, value);
}

std::string Query::target(std::string_view path) const {
  return std::string(path) + text_;
}

}  // namespace mailweir::cli
