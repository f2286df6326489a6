#include "provider/rule_book.h"

#include <algorithm>
#include <bitset>

#include "base/assert.h"
#include "provider/wait_hint.h"

namespace mailweir::provider {
namespace {

// The operator's own first; of each, codes of the provider before prose; then as the file has them.
constexpr int rank_first = 0;
constexpr int rank_last = 3;
int rank_of(const Rule& rule) {
  return (rule.is_local ? rank_first : 2) + (rule.tags.empty() ? 1 : 0);
}

bool is_code_of(const Rule& rule, std::uint16_t code) {
  return rule.codes.empty() ||
         std::any_of(rule.codes.begin(), rule.codes.end(), [code](const CodeRange& range) {
           return code >= range.low && code <= range.high;
         });
}

bool is_status_of(const Rule& rule, const std::optional<EnhancedStatus>& status) {
  if (rule.enhanced.empty()) return true;
  return status &&
         std::any_of(rule.enhanced.begin(), rule.enhanced.end(),
                     [&](const EnhancedPattern& pattern) { return pattern.matches(*status); });
}

// "#5.7.1 Your access…" (Cisco) and "(#5.1.1)" (qmail) hide the status from the reply's parser.
std::optional<EnhancedStatus> status_of(const Reply& reply) {
  if (reply.enhanced) return reply.enhanced;
  const std::size_t mark = reply.text.find('#');
  if (mark == std::string::npos) return std::nullopt;
  std::string_view rest = std::string_view(reply.text).substr(mark + 1);
  rest = rest.substr(0, std::min(rest.find_first_not_of("0123456789."), rest.size()));
  return parse_enhanced_status(rest);
}

// A wait means something only where the same mail may go later.
bool may_wait(Category category) {
  return category != Category::content && category != Category::session_end &&
         category != Category::unknown_permanent;
}

}  // namespace

struct RuleBook::Hearing {
  Phase phase;
  std::uint16_t code;
  std::optional<EnhancedStatus> status;
  PhraseIndex::Hits hits{};
  std::bitset<rules_max> candidates{};
  std::size_t named_by_trailer = npos;  // shelf
};

std::vector<PhraseIndex::Id> RuleBook::ids_of(const std::vector<std::string>& phrases) {
  std::vector<PhraseIndex::Id> ids;
  ids.reserve(phrases.size());
  for (const std::string& phrase : phrases) ids.push_back(phrases_.add(phrase));
  return ids;
}

void RuleBook::add_rules(const RuleSet& set) {
  const std::size_t begin = rules_.size();
  for (int rank = rank_first; rank <= rank_last; ++rank) {
    for (const Rule& rule : set.rules) {
      if (rank_of(rule) == rank) rules_.push_back(rule);
    }
  }
  WEIR_ASSERT(rules_.size() <= rules_max);
  shelves_.push_back({.key = std::string(set.key), .begin = begin, .end = rules_.size()});
}

void RuleBook::link_shelves(std::span<const RuleSet> sets) {
  std::sort(shelves_.begin(), shelves_.end(),
            [](const Shelf& a, const Shelf& b) { return a.key < b.key; });
  const auto index_of = [&](std::string_view key) {
    const Shelf* shelf = shelf_of(key);
    return shelf == nullptr ? npos : static_cast<std::size_t>(shelf - shelves_.data());
  };
  general_ = index_of(general_key);
  for (const RuleSet& set : sets) {
    const std::size_t own = index_of(set.key);
    for (const std::string& key : set.also) {
      if (const std::size_t other = index_of(key); other != npos)
        shelves_[own].also.push_back(other);
    }
    for (const std::string& trailer : set.trailers) {
      const PhraseIndex::Id id = phrases_.add(trailer);
      shelf_of_trailer_.resize(std::max(shelf_of_trailer_.size(), id + std::size_t{1}), npos);
      shelf_of_trailer_[id] = own;
    }
  }
}

RuleBook::RuleBook(std::span<const RuleSet> sets) {
  for (const RuleSet& set : sets) add_rules(set);
  link_shelves(sets);
  for (const Rule& rule : rules_) {
    compiled_.push_back({.tags = ids_of(rule.tags),
                         .phrases = ids_of(rule.phrases),
                         .with = ids_of(rule.with),
                         .without = ids_of(rule.without)});
  }
  phrases_.build();
  rules_of_phrase_.resize(phrases_.size());
  shelf_of_trailer_.resize(phrases_.size(), npos);
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const Compiled& rule = compiled_[i];
    const auto& leading = rule.tags.empty() ? rule.phrases : rule.tags;
    for (const PhraseIndex::Id id : leading)
      rules_of_phrase_[id].push_back(static_cast<std::uint16_t>(i));
    if (leading.empty()) rules_without_phrase_.push_back(static_cast<std::uint16_t>(i));
  }
}

const RuleBook::Shelf* RuleBook::shelf_of(std::string_view key) const {
  const auto found = std::lower_bound(
      shelves_.begin(), shelves_.end(), key,
      [](const Shelf& shelf, std::string_view wanted) { return shelf.key < wanted; });
  return found != shelves_.end() && found->key == key ? &*found : nullptr;
}

bool RuleBook::holds(std::size_t rule, const Hearing& hearing) const {
  const Rule& written = rules_[rule];
  if ((written.phases & bit_of(hearing.phase)) == 0 || !is_code_of(written, hearing.code) ||
      !is_status_of(written, hearing.status))
    return false;
  const auto is_hit = [&](PhraseIndex::Id id) { return hearing.hits[id]; };
  const auto one_of = [&](const std::vector<PhraseIndex::Id>& ids) {
    return ids.empty() || std::any_of(ids.begin(), ids.end(), is_hit);
  };
  const Compiled& compiled = compiled_[rule];
  return one_of(compiled.tags) && one_of(compiled.phrases) && one_of(compiled.with) &&
         std::none_of(compiled.without.begin(), compiled.without.end(), is_hit);
}

const Rule* RuleBook::first_match(const Shelf& shelf, const Hearing& hearing) const {
  for (std::size_t i = shelf.begin; i < shelf.end; ++i) {
    if (hearing.candidates[i] && holds(i, hearing)) return &rules_[i];
  }
  return nullptr;
}

const Rule* RuleBook::first_match_with_others(const Shelf& shelf, const Hearing& hearing) const {
  if (const Rule* rule = first_match(shelf, hearing)) return rule;
  for (const std::size_t other : shelf.also) {
    if (const Rule* rule = first_match(shelves_[other], hearing)) return rule;
  }
  return nullptr;
}

const Rule* RuleBook::match(std::string_view key, const Hearing& hearing) const {
  const Shelf* own = shelf_of(key);
  if (own != nullptr) {
    if (const Rule* rule = first_match_with_others(*own, hearing)) return rule;
  }
  if (hearing.named_by_trailer != npos) {
    const Shelf& named = shelves_[hearing.named_by_trailer];
    if (const Rule* rule = first_match_with_others(named, hearing)) return rule;
  }
  return general_ == npos ? nullptr : first_match(shelves_[general_], hearing);
}

Ruling RuleBook::judge(std::string_view key, Phase phase, const Reply& reply,
                       bool session_has_worked) const {
  const FoldedText text(reply.text);
  Hearing hearing{.phase = phase, .code = reply.code, .status = status_of(reply)};
  for (const std::uint16_t rule : rules_without_phrase_) hearing.candidates.set(rule);
  phrases_.find(text.view(), [&](PhraseIndex::Id id) {
    hearing.hits.set(id);
    for (const std::uint16_t rule : rules_of_phrase_[id]) hearing.candidates.set(rule);
    if (shelf_of_trailer_[id] != npos) hearing.named_by_trailer = shelf_of_trailer_[id];
  });
  Ruling ruling;
  if (const Rule* rule = match(key, hearing)) {
    ruling = {rule->category, rule->scope, rule->wait, rule->name};
  } else {
    ruling.category =
        reply.is_permanent() ? Category::unknown_permanent : Category::unknown_temporary;
    ruling.rule = unknown_rule;
  }
  // A server may close a session that is idle or has done its share whenever it likes.
  const bool is_between_messages =
      phase == Phase::idle || phase == Phase::quit || (phase == Phase::mail && session_has_worked);
  const bool is_about_nothing = ruling.category == Category::unknown_temporary ||
                                ruling.category == Category::receiver_trouble;
  if (reply.code == 421 && is_between_messages && is_about_nothing)
    return {Category::session_end, Scope::host, {}, session_end_rule};
  if (may_wait(ruling.category)) {
    if (const Duration named = wait_hint(text.view()); named > Duration::zero())
      ruling.wait = named;
  }
  return ruling;
}

const Rule* RuleBook::find(std::string_view name) const {
  const auto found = std::find_if(rules_.begin(), rules_.end(),
                                  [&](const Rule& rule) { return rule.name == name; });
  return found == rules_.end() ? nullptr : &*found;
}

}  // namespace mailweir::provider
