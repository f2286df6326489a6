#include "relay/suppression_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace mailweir::relay {
namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view space = " \t\r";
  const auto first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

bool is_entry(std::string_view text) {
  if (text.starts_with('@'))
    return normalize_domain(text.substr(1), AddressCharset::utf8).has_value();
  return Mailbox::parse(text, AddressCharset::utf8).has_value();
}

}  // namespace

Result<SuppressionList> SuppressionList::parse(std::string_view text, std::string_view file_name) {
  SuppressionList list;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    line = trim(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    if (!is_entry(line)) {
      return fail(
          Errc::invalid_argument,
          fmt::format(
              "{}:{}: \"{}\" is neither an address nor an @domain; write one a line, such as "
              "user@example.com or @example.com",
              file_name, number, line));
    }
    list.entries_.insert(lower_case(line));
  }
  return list;
}

Result<SuppressionList> SuppressionList::read(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream.is_open() || stream.bad()) {
    return fail(Errc::invalid_argument,
                fmt::format("the suppression list {} cannot be read; correct suppression.file, or "
                            "let the server's user read it",
                            file));
  }
  return parse(text.str(), file);
}

bool SuppressionList::contains(const Mailbox& recipient) const {
  if (entries_.empty()) return false;
  return entries_.contains(lower_case(recipient.text())) ||
         entries_.contains("@" + lower_case(recipient.domain()));
}

}  // namespace mailweir::relay
