#include "console/host_guard.h"

#include <algorithm>

#include "base/networks.h"

namespace mailweir::console {
namespace {

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return to_lower(x) == to_lower(y); });
}

// Without ":port" and without the brackets of an IPv6 address.
std::string_view host_only(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? host : host.substr(1, end - 1);
  }
  return host.substr(0, host.find(':'));
}

}  // namespace

bool is_host_allowed(std::string_view host, const std::vector<std::string>& names) {
  const std::string_view name = host_only(host);
  if (equals_ignoring_case(name, "localhost")) return true;
  if (IpAddress::parse(name)) return true;
  return std::ranges::any_of(names, [name](const std::string& allowed) {
    return equals_ignoring_case(name, host_only(allowed));
  });
}

}  // namespace mailweir::console
