#include "sink/dkim_domain.h"

#include <optional>

#include "mail/header.h"

namespace mailweir::sink {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

std::string dkim_domain(std::string_view content) {
  const auto signature = first_value(content, "DKIM-Signature");
  if (!signature) return {};
  for (std::string_view rest = *signature; !rest.empty();) {
    const auto tag = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(tag.size() + 1, rest.size()));
    const auto equals = tag.find('=');
    if (equals == std::string_view::npos || trimmed(tag.substr(0, equals)) != "d") continue;
    std::string domain(trimmed(tag.substr(equals + 1)));
    for (char& c : domain) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return domain;
  }
  return {};
}

}  // namespace mailweir::sink
