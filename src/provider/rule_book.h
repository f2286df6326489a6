// A RuleBook judges replies by rules: those of the provider first, its own codes before prose, then
// those of the provider that a trailer names, then the general ones.
//
// Immutable; safe to read from any thread. Judging does not allocate.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "provider/phrase_index.h"
#include "provider/rule.h"

namespace mailweir::provider {

// The rules of one file. `also` names keys whose rules are judged behind its own; `trailers` are
// phrases with which its servers end their replies.
struct RuleSet {
  std::string_view key;
  std::span<const Rule> rules;
  std::span<const std::string> also;
  std::span<const std::string> trailers;
};

inline constexpr std::string_view general_key = "any";
inline constexpr std::string_view session_end_rule = "any/session-end";
inline constexpr std::string_view unknown_rule = "unknown";

class RuleBook {
 public:
  static constexpr std::size_t rules_max = 2048;

  // The rules are copied. At most rules_max rules, PhraseIndex::phrases_max phrases.
  explicit RuleBook(std::span<const RuleSet> sets);

  Ruling judge(std::string_view key, Phase phase, const Reply& reply,
               bool session_has_worked) const;
  // Null for a name that is no rule's.
  const Rule* find(std::string_view name) const;
  // In the order in which they are judged, within each provider.
  std::span<const Rule> rules() const { return rules_; }

 private:
  struct Compiled {  // of the rule with the same index
    std::vector<PhraseIndex::Id> tags;
    std::vector<PhraseIndex::Id> phrases;
    std::vector<PhraseIndex::Id> with;
    std::vector<PhraseIndex::Id> without;
  };
  struct Shelf {  // the rules of one provider: [begin, end)
    std::string key;
    std::size_t begin = 0;
    std::size_t end = 0;
    std::vector<std::size_t> also;  // shelves
  };
  struct Hearing;  // one reply being judged

  std::vector<PhraseIndex::Id> ids_of(const std::vector<std::string>& phrases);
  void add_rules(const RuleSet& set);
  void link_shelves(std::span<const RuleSet> sets);
  const Shelf* shelf_of(std::string_view key) const;
  const Rule* first_match(const Shelf& shelf, const Hearing& hearing) const;
  const Rule* first_match_with_others(const Shelf& shelf, const Hearing& hearing) const;
  bool holds(std::size_t rule, const Hearing& hearing) const;
  const Rule* match(std::string_view key, const Hearing& hearing) const;

  std::vector<Rule> rules_;
  std::vector<Compiled> compiled_;
  std::vector<Shelf> shelves_;  // sorted by key
  std::size_t general_ = npos;  // index of the general shelf
  PhraseIndex phrases_;
  std::vector<std::vector<std::uint16_t>> rules_of_phrase_;
  std::vector<std::uint16_t> rules_without_phrase_;
  std::vector<std::size_t> shelf_of_trailer_;  // by phrase id; npos: not a trailer

  static constexpr std::size_t npos = static_cast<std::size_t>(-1);
};

}  // namespace mailweir::provider
