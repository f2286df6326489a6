// The Catalogue tells who runs an MX set (all Microsoft 365 tenant domains are one provider), and
// what that provider's refusals mean.
//
// Read from providers/*.toml (docs/providers.md). Immutable after load; safe to read from any
// thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "provider/rule_book.h"
#include "provider/ruling.h"

namespace mailweir::provider {

struct ProviderEntry {
  std::string key;                       // "google"
  std::string name;                      // "Google (Gmail, Workspace)"
  std::vector<std::string> mx_patterns;  // "*.mail.protection.outlook.com", "aspmx.l.google.com"
  std::vector<std::string> also{};       // providers whose rules are judged behind its own
  std::vector<std::string> trailers{};   // phrases that name it at the end of a reply
  std::vector<Limit> limits{};
  std::vector<Rule> rules{};
};

class Catalogue {
 public:
  Catalogue() = default;
  explicit Catalogue(std::vector<ProviderEntry> entries);

  // The entries built into the program (generated from providers/*.toml at build time).
  static const Catalogue& embedded();
  // Parses one provider file; the error names file, line, column, cause and remedy.
  static Result<ProviderEntry> parse(std::string_view toml, std::string_view file_name);

  // The embedded entries with the *.toml files of an operator's `folder` on top. A file whose key
  // is built in adds to that entry: its hosts, and its rules, which are judged first; one with the
  // name of a rule built in replaces it. Every file that cannot be read is in the error.
  static Result<Catalogue> load(const std::string& folder);

  // The provider whose patterns match every host of the set (a single foreign host means: not
  // theirs), or null. Names are compared lower-cased without a trailing dot. `*` stands for one or
  // more labels at the front, `?` for one character.
  const ProviderEntry* match(const std::vector<std::string_view>& mx_hosts) const;
  const std::vector<ProviderEntry>& entries() const { return entries_; }
  bool knows(std::string_view key) const;
  // The key a person may have meant who wrote this one: a name in use elsewhere ("gmail",
  // "microsoft365", as the sink calls them) or a slip; else empty. Refers to this Catalogue.
  std::string_view nearest_key(std::string_view name) const;

  // What a refusal (4yz or 5yz) means. `provider` is a key; of anything else only the general rules
  // know. `session_has_worked`: the session has carried mail before, so that a 421 may only be its
  // end. Does not allocate; about a microsecond.
  Ruling classify(std::string_view provider, Phase phase, const Reply& reply,
                  bool session_has_worked = false) const;
  // The rule a Ruling names; null when none does.
  const Rule* rule(std::string_view name) const;

 private:
  std::vector<ProviderEntry> entries_;
  std::shared_ptr<const RuleBook> rules_;  // copies of a Catalogue share it; null: no rules
};

}  // namespace mailweir::provider
