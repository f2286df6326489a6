#include "provider/catalogue.h"

#include <algorithm>

#include "base/assert.h"
#include "provider/mx_pattern.h"
#include "provider/provider_file.h"

namespace mailweir::provider {
namespace {

std::string normalized(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string lower(host);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return lower;
}

bool claims(const ProviderEntry& entry, std::string_view host) {
  return std::any_of(entry.mx_patterns.begin(), entry.mx_patterns.end(),
                     [&](const std::string& pattern) { return mx_pattern_matches(pattern, host); });
}

std::vector<ProviderEntry> read_embedded() {
  std::vector<ProviderEntry> entries;
  for (const ProviderFile& file : embedded_provider_files()) {
    auto entry = Catalogue::parse(file.text, file.name);
    WEIR_ASSERT(entry.has_value());  // provider_test parses every file before it is shipped
    entries.push_back(std::move(*entry));
  }
  return entries;
}

}  // namespace

Catalogue::Catalogue(std::vector<ProviderEntry> entries) : entries_(std::move(entries)) {}

const Catalogue& Catalogue::embedded() {
  static const Catalogue catalogue(read_embedded());
  return catalogue;
}

Result<ProviderEntry> Catalogue::parse(std::string_view toml, std::string_view file_name) {
  return parse_provider_file(toml, file_name);
}

const ProviderEntry* Catalogue::match(const std::vector<std::string_view>& mx_hosts) const {
  if (mx_hosts.empty()) return nullptr;
  std::vector<std::string> hosts;
  hosts.reserve(mx_hosts.size());
  for (const std::string_view host : mx_hosts) hosts.push_back(normalized(host));
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const ProviderEntry& entry) {
        return std::all_of(hosts.begin(), hosts.end(),
                           [&](const std::string& host) { return claims(entry, host); });
      });
  return found == entries_.end() ? nullptr : &*found;
}

}  // namespace mailweir::provider
