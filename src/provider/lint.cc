#include "provider/lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "provider/phrase_index.h"
#include "provider/rule_book.h"

namespace mailweir::provider {
namespace {

// "2026", "2026-05" or "2026-05-28".
bool is_date(std::string_view text) {
  constexpr std::string_view form = "dddd-dd-dd";
  if (text.size() != 4 && text.size() != 7 && text.size() != 10) return false;
  return std::ranges::equal(text, form.substr(0, text.size()), [](char c, char kind) {
    return kind == 'd' ? c >= '0' && c <= '9' : c == kind;
  });
}

// A host that the pattern matches.
std::string example_host(std::string_view pattern) {
  std::string host(pattern);
  std::ranges::replace(host, '*', 'x');
  std::ranges::replace(host, '?', 'x');
  return host;
}

class Linter {
 public:
  explicit Linter(std::span<const ProviderEntry> entries)
      : entries_(entries), catalogue_({entries.begin(), entries.end()}) {}

  std::vector<Finding> run() {
    for (const ProviderEntry& entry : entries_) {
      for (const std::string& other : entry.also) check_also(entry, other);
      for (const std::string& pattern : entry.mx_patterns) check_pattern(entry, pattern);
      for (const Rule& rule : entry.rules) check_rule(entry, rule);
      // The general rules are made of vocabulary, most of which no sample can show.
      if (entry.key != general_key) check_phrases(entry);
    }
    return std::move(findings_);
  }

 private:
  void report(const Rule& rule, std::size_t line, std::string what) {
    findings_.push_back({rule.file, line, std::move(what)});
  }

  void check_also(const ProviderEntry& entry, const std::string& other) {
    const bool is_known = std::any_of(entries_.begin(), entries_.end(),
                                      [&](const ProviderEntry& one) { return one.key == other; });
    if (is_known && other != entry.key) return;
    findings_.push_back(
        {entry.key, 0, fmt::format("\"also\" names no other provider: \"{}\"", other)});
  }

  // Of two providers that name the same hosts only one is ever found.
  void check_pattern(const ProviderEntry& entry, const std::string& pattern) {
    const std::string host = example_host(pattern);
    const ProviderEntry* found = catalogue_.match({host});
    if (found == nullptr || found->key == entry.key) return;
    findings_.push_back(
        {entry.key, 0,
         fmt::format("hosts of its mx pattern \"{}\" are found to be {}'s; to add rules to that "
                     "provider, give them with key = \"{}\"",
                     pattern, found->key, found->key)});
  }

  void check_rule(const ProviderEntry& entry, const Rule& rule) {
    const auto name = [&] { return fmt::format("rule {}", rule.name); };
    if (rule.source.empty()) report(rule, rule.line, name() + " has no source");
    if (rule.date.empty()) {
      report(rule, rule.line, name() + " has no date");
    } else if (!is_date(rule.date)) {
      report(rule, rule.line,
             fmt::format("{}: \"{}\" is no date; write it as 2026-05-28", name(), rule.date));
    }
    if (rule.samples.empty()) report(rule, rule.line, name() + " has no sample");
    if (rule.codes.empty() && rule.enhanced.empty() && rule.tags.empty() && rule.phrases.empty())
      report(rule, rule.line,
             name() + " holds for every reply: give code, enhanced, tag or phrase");
    bool was_reached = rule.samples.empty();
    for (const Sample& sample : rule.samples) {
      const Ruling ruling = catalogue_.classify(entry.key, sample.phase, sample.reply);
      if (ruling.rule == rule.name) {
        was_reached = true;
        continue;
      }
      const Rule* other = catalogue_.rule(ruling.rule);
      // That is what an operator's rule is for.
      if (!rule.is_local && other != nullptr && other->is_local) {
        was_reached = true;
        continue;
      }
      report(
          rule, sample.line,
          fmt::format("the sample \"{}\" of {} is read by {}{}", to_display(sample.reply), name(),
                      ruling.rule,
                      other == nullptr ? "" : fmt::format(" ({}:{})", other->file, other->line)));
    }
    if (!was_reached) report(rule, rule.line, name() + " is reached by none of its samples");
  }

  // Phrases that no sample of the provider contains: a slip of the pen would never be seen.
  void check_phrases(const ProviderEntry& entry) {
    PhraseIndex index;
    const auto lists = [](const Rule& rule) {
      return std::array{&rule.tags, &rule.phrases, &rule.with};
    };
    for (const Rule& rule : entry.rules) {
      for (const auto* list : lists(rule)) {
        for (const std::string& phrase : *list) index.add(phrase);
      }
    }
    index.build();
    PhraseIndex::Hits shown;
    for (const Rule& rule : entry.rules) {
      for (const Sample& sample : rule.samples)
        index.find(FoldedText(sample.reply.text).view(),
                   [&](PhraseIndex::Id id) { shown.set(id); });
    }
    for (const Rule& rule : entry.rules) {
      if (rule.samples.empty()) continue;
      for (const auto* list : lists(rule)) {
        for (const std::string& phrase : *list) {
          if (!shown[index.add(phrase)])
            report(rule, rule.line,
                   fmt::format("rule {}: no sample shows \"{}\"", rule.name, phrase));
        }
      }
    }
  }

  std::span<const ProviderEntry> entries_;
  Catalogue catalogue_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> lint(std::span<const ProviderEntry> entries) {
  return Linter(entries).run();
}

std::string to_string(const Finding& finding) {
  return finding.line == 0 ? fmt::format("{}: {}", finding.file, finding.what)
                           : fmt::format("{}:{}: {}", finding.file, finding.line, finding.what);
}

}  // namespace mailweir::provider
