// The Catalogue tells who runs an MX set: all Microsoft 365 tenant domains are one provider.
//
// Read from providers/*.toml (docs/providers.md). Immutable after load; safe to read from any
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "provider/ruling.h"

namespace mailweir::provider {

struct ProviderEntry {
  std::string key;                       // "google"
  std::string name;                      // "Google (Gmail, Workspace)"
  std::vector<std::string> mx_patterns;  // "*.mail.protection.outlook.com", "aspmx.l.google.com"
};

class Catalogue {
 public:
  Catalogue() = default;
  explicit Catalogue(std::vector<ProviderEntry> entries);

  // The entries built into the program (generated from providers/*.toml at build time).
  static const Catalogue& embedded();
  // Parses one provider file; the error names file, line, column, cause and remedy.
  static Result<ProviderEntry> parse(std::string_view toml, std::string_view file_name);

  // The provider whose patterns match every host of the set (a single foreign host means: not
  // theirs), or null. Names are compared lower-cased without a trailing dot. `*` stands for one or
  // more labels at the front, `?` for one character.
  const ProviderEntry* match(const std::vector<std::string_view>& mx_hosts) const;
  const std::vector<ProviderEntry>& entries() const { return entries_; }

 private:
  std::vector<ProviderEntry> entries_;
};

}  // namespace mailweir::provider
