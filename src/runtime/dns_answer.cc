#include "runtime/dns_answer.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

namespace mailweir::runtime {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_label_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, is_label_character);
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  while (true) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == std::string_view::npos) return !std::ranges::all_of(label, is_digit);
    name.remove_prefix(dot + 1);
  }
}

std::optional<std::string> read_wire_name(std::string_view wire) {
  std::string name;
  while (!wire.empty()) {
    const std::size_t length = static_cast<unsigned char>(wire.front());
    wire.remove_prefix(1);
    if (length == 0) return name;
    if (length > 63 || length > wire.size() || name.size() + length + 1 > 255) return std::nullopt;
    if (!name.empty()) name.push_back('.');
    for (const char c : wire.substr(0, length)) {
      // A dot inside a label would read as two labels once it is text.
      if (c <= ' ' || c >= 0x7f || c == '.') return std::nullopt;
      name.push_back(lower(c));
    }
    wire.remove_prefix(length);
  }
  return std::nullopt;
}

std::optional<MxRecord> read_mx(std::string_view data) {
  if (data.size() < 3) return std::nullopt;
  MxRecord record;
  record.preference = static_cast<std::uint16_t>((static_cast<unsigned char>(data[0]) << 8) |
                                                 static_cast<unsigned char>(data[1]));
  auto host = read_wire_name(data.substr(2));
  if (!host || (!host->empty() && !is_host_name(*host))) return std::nullopt;
  record.host = std::move(*host);
  return record;
}

std::optional<std::string> read_address(std::string_view data) {
  char text[INET6_ADDRSTRLEN];
  const int family = data.size() == 4 ? AF_INET : AF_INET6;
  if (data.size() != 4 && data.size() != 16) return std::nullopt;
  ::inet_ntop(family, data.data(), text, sizeof text);
  return std::string(text);
}

void normalize_mx(std::vector<MxRecord>& records) {
  if (records.size() > 1) std::erase_if(records, [](const MxRecord& r) { return r.host.empty(); });
  std::ranges::sort(records, [](const MxRecord& a, const MxRecord& b) {
    return std::tie(a.preference, a.host) < std::tie(b.preference, b.host);
  });
  std::vector<MxRecord> kept;
  for (MxRecord& record : records) {
    if (kept.size() == dns_records_max) break;
    if (std::ranges::find(kept, record.host, &MxRecord::host) == kept.end()) {
      kept.push_back(std::move(record));
    }
  }
  records = std::move(kept);
}

}  // namespace mailweir::runtime
