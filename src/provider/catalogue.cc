#include "provider/catalogue.h"

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "base/ascii.h"
#include "base/assert.h"
#include "base/nearest_name.h"
#include "provider/mx_pattern.h"
#include "provider/provider_file.h"

namespace mailweir::provider {
namespace {

// What people, and the sink's personalities, call some providers.
constexpr std::pair<std::string_view, std::string_view> aliases[] = {
    {"gmail", "google"},
    {"googlemail", "google"},
    {"gmail.com", "google"},
    {"workspace", "google"},
    {"microsoft", "ms365"},
    {"microsoft365", "ms365"},
    {"office365", "ms365"},
    {"o365", "ms365"},
    {"m365", "ms365"},
    {"exchange", "ms365"},
    {"outlook", "outlook-consumer"},
    {"outlook.com", "outlook-consumer"},
    {"hotmail", "outlook-consumer"},
    {"hotmail.com", "outlook-consumer"},
    {"live", "outlook-consumer"},
    {"msn", "outlook-consumer"},
    {"icloud", "apple"},
    {"icloud.com", "apple"},
    {"aol", "yahoo"},
    {"yahoo.com", "yahoo"},
    {"yahoo.co.jp", "yahoo-japan"},
    {"au", "au-kddi"},
    {"kddi", "au-kddi"},
    {"web.de", "gmx"},
    {"qq", "tencent"},
    {"163", "netease"},
};

std::string normalized(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return ascii::lower(host);
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

// The operator's entry over the one with the same key, or as a further one.
void add_local(std::vector<ProviderEntry>& entries, ProviderEntry local) {
  const auto known = std::find_if(entries.begin(), entries.end(), [&](const ProviderEntry& entry) {
    return entry.key == local.key;
  });
  if (known == entries.end()) {
    entries.push_back(std::move(local));
    return;
  }
  const auto append = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  known->name = std::move(local.name);
  append(known->mx_patterns, local.mx_patterns);
  append(known->also, local.also);
  append(known->trailers, local.trailers);
  append(known->limits, local.limits);
  std::erase_if(known->rules, [&](const Rule& built_in) {
    return std::any_of(local.rules.begin(), local.rules.end(),
                       [&](const Rule& rule) { return rule.name == built_in.name; });
  });
  append(known->rules, local.rules);
}

// Beyond the bounds of a RuleBook.
bool is_too_large(const std::vector<ProviderEntry>& entries) {
  std::size_t rules = 0;
  std::size_t bytes = 0;
  std::unordered_set<std::string_view> phrases;  // an index keeps each once
  const auto count = [&](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      if (phrases.insert(text).second) bytes += text.size();
    }
  };
  for (const ProviderEntry& entry : entries) {
    rules += entry.rules.size();
    count(entry.trailers);
    for (const Rule& rule : entry.rules) {
      for (const auto* texts : {&rule.tags, &rule.phrases, &rule.with, &rule.without})
        count(*texts);
    }
  }
  return rules > RuleBook::rules_max || phrases.size() > PhraseIndex::phrases_max ||
         bytes > PhraseIndex::states_max;
}

}  // namespace

Catalogue::Catalogue(std::vector<ProviderEntry> entries) : entries_(std::move(entries)) {
  std::vector<RuleSet> sets;
  sets.reserve(entries_.size());
  for (const ProviderEntry& entry : entries_)
    sets.push_back({entry.key, entry.rules, entry.also, entry.trailers});
  rules_ = std::make_shared<const RuleBook>(sets);
}

Result<Catalogue> Catalogue::load(const std::string& folder) {
  WEIR_TRY(std::vector<ProviderEntry> local, read_provider_folder(folder));
  std::vector<ProviderEntry> entries = embedded().entries();
  for (ProviderEntry& entry : local) {
    for (Rule& rule : entry.rules) rule.is_local = true;
    add_local(entries, std::move(entry));
  }
  if (is_too_large(entries))
    return fail(Errc::invalid_argument, folder + ": too many rules or phrases for one catalogue");
  return Catalogue(std::move(entries));
}

bool Catalogue::knows(std::string_view key) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const ProviderEntry& entry) { return entry.key == key; });
}

std::string_view Catalogue::nearest_key(std::string_view name) const {
  const std::string wanted = normalized(name);
  const auto alias = std::find_if(std::begin(aliases), std::end(aliases),
                                  [&](const auto& pair) { return pair.first == wanted; });
  std::vector<std::string_view> keys;
  keys.reserve(entries_.size());
  for (const ProviderEntry& entry : entries_) keys.emplace_back(entry.key);
  return nearest_name(alias == std::end(aliases) ? wanted : alias->second, keys);
}

Ruling Catalogue::classify(std::string_view provider, Phase phase, const Reply& reply,
                           bool session_has_worked) const {
  static const RuleBook no_rules{std::span<const RuleSet>{}};
  return (rules_ ? *rules_ : no_rules).judge(provider, phase, reply, session_has_worked);
}

const Rule* Catalogue::rule(std::string_view name) const {
  return rules_ ? rules_->find(name) : nullptr;
}

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
