#include "provider/rule_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "base/units.h"
#include "provider/phrase_index.h"
#include "provider/reply_text.h"
#include "provider/ruling_names.h"

namespace mailweir::provider {
namespace {

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::optional<std::uint16_t> number_of(std::string_view text) {
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > 999) return std::nullopt;
  return value;
}

// "28", "500-699" or "x".
bool read_span(std::string_view text, std::uint16_t& low, std::uint16_t& high) {
  if (text == "x") return true;
  const std::size_t dash = text.find('-');
  const auto first = number_of(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : number_of(text.substr(dash + 1));
  if (!first || !last || *first > *last) return false;
  low = *first;
  high = *last;
  return true;
}

std::optional<EnhancedPattern> enhanced_of(std::string_view text) {
  const std::size_t first = text.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = text.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  EnhancedPattern pattern;
  const std::string_view klass = text.substr(0, first);
  if (klass != "x" && klass != "4" && klass != "5") return std::nullopt;
  pattern.klass = klass == "x" ? 0 : static_cast<std::uint16_t>(klass[0] - '0');
  if (!read_span(text.substr(first + 1, second - first - 1), pattern.subject_low,
                 pattern.subject_high) ||
      !read_span(text.substr(second + 1), pattern.detail_low, pattern.detail_high))
    return std::nullopt;
  return pattern;
}

// "421", "4xx", "450-452".
std::optional<CodeRange> codes_of(std::string_view text) {
  if (text == "4xx") return CodeRange{400, 499};
  if (text == "5xx") return CodeRange{500, 599};
  CodeRange range;
  if (!read_span(text, range.low, range.high) || range.low < 400 || range.high > 599)
    return std::nullopt;
  return range;
}

std::optional<Confidence> confidence_of(std::string_view text) {
  if (text == "P") return Confidence::published;
  if (text == "R") return Confidence::real_reply;
  if (text == "C") return Confidence::third_party;
  return std::nullopt;
}

// The lists of [words]: a rule names one of them as "{name}".
class WordLists {
 public:
  static Result<WordLists> read(const toml::table& file, const TomlReader& reader) {
    WordLists lists;
    const toml::node* node = file.get("words");
    if (node == nullptr) return lists;
    const toml::table* table = node->as_table();
    if (table == nullptr)
      return reader.refuse(node->source().begin, "\"words\" must be a table of lists",
                           "write: [words] and below it: lists = [\"blocklist*\"]");
    for (const auto& [key, value] : *table) {
      WEIR_TRY(auto phrases, reader.texts_of(*table, key.str()));
      for (const std::string& phrase : phrases) {
        if (const std::string_view flaw = phrase_flaw(phrase); !flaw.empty())
          return reader.refuse(value.source().begin,
                               fmt::format("\"{}\" is never found as it is written", phrase), flaw);
      }
      lists.lists_[fmt::format("{{{}}}", key.str())] = std::move(phrases);
    }
    return lists;
  }

  // Null: there is no such list.
  const std::vector<std::string>* find(const std::string& reference) const {
    const auto found = lists_.find(reference);
    return found == lists_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string, std::vector<std::string>> lists_;
};

// One [[rule]] being read.
class RuleTable {
 public:
  RuleTable(const toml::table& table, const WordLists& words, const TomlReader& reader)
      : table_(table), words_(words), reader_(reader) {}

  Result<Rule> read(const std::string& key) {
    WEIR_CHECK(reader_.check_keys(
        table_, "a rule",
        {"name", "phases", "code", "enhanced", "tag", "phrase", "with", "without", "category",
         "scope", "wait", "source", "date", "confidence", "samples"}));
    Rule rule;
    rule.file = reader_.file_name();
    rule.line = table_.source().begin.line;
    WEIR_TRY(const std::string name, reader_.text_of(table_, "name"));
    if (!is_name(name))
      return refuse("name", "this cannot be a rule's name",
                    "use lower-case letters, digits and \"-\"");
    rule.name = key + "/" + name;
    WEIR_CHECK(read_condition(rule));
    WEIR_CHECK(read_verdict(rule));
    WEIR_TRY(rule.source, reader_.optional_text(table_, "source"));
    WEIR_TRY(rule.date, reader_.optional_text(table_, "date"));
    WEIR_CHECK(read_samples(rule));
    return rule;
  }

 private:
  std::unexpected<Error> refuse(std::string_view key, std::string_view cause,
                                std::string_view remedy) const {
    return reader_.refuse(table_.get(key)->source().begin, cause, remedy);
  }

  Result<void> read_condition(Rule& rule) const {
    WEIR_TRY(const auto phases, reader_.texts_of(table_, "phases"));
    if (!phases.empty()) rule.phases = 0;
    for (const std::string& text : phases) {
      const auto phase = parse_phase(text);
      if (!phase)
        return refuse("phases", fmt::format("there is no phase \"{}\"", text),
                      "phases are banner, ehlo, starttls, auth, mail, rcpt, data, end_of_data, "
                      "idle, quit");
      rule.phases |= bit_of(*phase);
    }
    WEIR_TRY(const auto codes, reader_.texts_of(table_, "code"));
    for (const std::string& text : codes) {
      const auto range = codes_of(text);
      if (!range)
        return refuse("code", fmt::format("\"{}\" is no reply code", text),
                      "write: code = [\"421\", \"450-452\", \"5xx\"]");
      rule.codes.push_back(*range);
    }
    WEIR_TRY(const auto enhanced, reader_.texts_of(table_, "enhanced"));
    for (const std::string& text : enhanced) {
      const auto pattern = enhanced_of(text);
      if (!pattern)
        return refuse("enhanced", fmt::format("\"{}\" is no enhanced status", text),
                      "write: enhanced = [\"4.7.28\", \"x.7.500-699\", \"5.1.x\"]");
      rule.enhanced.push_back(*pattern);
    }
    WEIR_TRY(rule.tags, phrases_of("tag"));
    WEIR_TRY(rule.phrases, phrases_of("phrase"));
    WEIR_TRY(rule.with, phrases_of("with"));
    WEIR_TRY(rule.without, phrases_of("without"));
    return {};
  }

  Result<std::vector<std::string>> phrases_of(std::string_view key) const {
    WEIR_TRY(const auto written, reader_.texts_of(table_, key));
    std::vector<std::string> phrases;
    for (const std::string& phrase : written) {
      if (phrase.starts_with('{')) {
        const std::vector<std::string>* list = words_.find(phrase);
        if (list == nullptr)
          return refuse(key, fmt::format("there is no list {}", phrase),
                        "write it below [words] of this file");
        phrases.insert(phrases.end(), list->begin(), list->end());
        continue;
      }
      if (const std::string_view flaw = phrase_flaw(phrase); !flaw.empty())
        return refuse(key, fmt::format("\"{}\" is never found as it is written", phrase), flaw);
      phrases.push_back(phrase);
    }
    return phrases;
  }

  Result<void> read_verdict(Rule& rule) const {
    WEIR_TRY(const std::string category, reader_.text_of(table_, "category"));
    const auto parsed_category = parse_category(category);
    if (!parsed_category)
      return refuse("category", fmt::format("there is no category \"{}\"", category),
                    "see docs/providers.md for the categories");
    rule.category = *parsed_category;
    WEIR_TRY(const std::string scope, reader_.text_of(table_, "scope"));
    const auto parsed_scope = parse_scope(scope);
    if (!parsed_scope)
      return refuse("scope", fmt::format("there is no scope \"{}\"", scope),
                    "see docs/providers.md for the scopes");
    rule.scope = *parsed_scope;
    WEIR_TRY(const std::string wait, reader_.optional_text(table_, "wait"));
    if (!wait.empty()) {
      const auto duration = parse_duration(wait);
      if (!duration || *duration > std::chrono::hours(24))
        return refuse("wait", "this is no wait of at most a day", "write: wait = \"10m\"");
      rule.wait = *duration;
    }
    WEIR_TRY(const std::string confidence, reader_.optional_text(table_, "confidence"));
    const auto parsed = confidence_of(confidence.empty() ? "C" : confidence);
    if (!parsed)
      return refuse("confidence", fmt::format("there is no confidence \"{}\"", confidence),
                    "P: published by the provider, R: seen in a reply, C: from a third party");
    rule.confidence = *parsed;
    return {};
  }

  Result<void> read_samples(Rule& rule) const {
    const toml::node* node = table_.get("samples");
    if (node == nullptr) return {};
    const toml::array* list = node->as_array();
    if (list == nullptr)
      return refuse("samples", "\"samples\" must be a list",
                    "write: samples = [{ phase = \"rcpt\", reply = \"450 4.7.1 …\" }]");
    for (const toml::node& item : *list) {
      const toml::table* sample = item.as_table();
      if (sample == nullptr)
        return reader_.refuse(item.source().begin, "this is no sample",
                              "write: { phase = \"rcpt\", reply = \"450 4.7.1 …\" }");
      WEIR_TRY(Sample read, sample_of(*sample));
      rule.samples.push_back(std::move(read));
    }
    return {};
  }

  Result<Sample> sample_of(const toml::table& table) const {
    WEIR_CHECK(reader_.check_keys(table, "a sample", {"phase", "reply", "source", "date"}));
    Sample sample;
    sample.line = table.source().begin.line;
    WEIR_TRY(const std::string phase, reader_.text_of(table, "phase"));
    const auto parsed_phase = parse_phase(phase);
    if (!parsed_phase)
      return reader_.refuse(table.get("phase")->source().begin,
                            fmt::format("there is no phase \"{}\"", phase),
                            "write: phase = \"rcpt\"");
    sample.phase = *parsed_phase;
    WEIR_TRY(const std::string text, reader_.text_of(table, "reply"));
    auto reply = parse_reply_text(text);
    if (!reply || reply->code < 400)
      return reader_.refuse(table.get("reply")->source().begin, "a reply begins with 4nn or 5nn",
                            "write: reply = \"450 4.7.1 …\"");
    sample.reply = std::move(*reply);
    WEIR_TRY(sample.source, reader_.optional_text(table, "source"));
    WEIR_TRY(sample.date, reader_.optional_text(table, "date"));
    return sample;
  }

  const toml::table& table_;
  const WordLists& words_;
  const TomlReader& reader_;
};

// The tables of [[name]]; empty when there are none.
Result<std::vector<const toml::table*>> tables_of(const toml::table& table, std::string_view name,
                                                  const TomlReader& reader) {
  std::vector<const toml::table*> tables;
  const toml::node* node = table.get(name);
  if (node == nullptr) return tables;
  const toml::array* list = node->as_array();
  if (list == nullptr || !list->is_array_of_tables())
    return reader.refuse(node->source().begin, fmt::format("\"{}\" must be a list of tables", name),
                         fmt::format("begin each with [[{}]]", name));
  for (const toml::node& item : *list) tables.push_back(item.as_table());
  return tables;
}

}  // namespace

Result<std::vector<Rule>> read_rules(const toml::table& table, const std::string& key,
                                     const TomlReader& reader) {
  WEIR_TRY(const auto tables, tables_of(table, "rule", reader));
  WEIR_TRY(const WordLists words, WordLists::read(table, reader));
  std::vector<Rule> rules;
  std::set<std::string> names;
  for (const toml::table* one : tables) {
    WEIR_TRY(Rule rule, RuleTable(*one, words, reader).read(key));
    if (!names.insert(rule.name).second)
      return reader.refuse(one->get("name")->source().begin, "another rule has this name",
                           "give each rule of a file a name of its own");
    rules.push_back(std::move(rule));
  }
  return rules;
}

Result<std::vector<Limit>> read_limits(const toml::table& table, const TomlReader& reader) {
  WEIR_TRY(const auto tables, tables_of(table, "limits", reader));
  std::vector<Limit> limits;
  for (const toml::table* one : tables) {
    WEIR_CHECK(
        reader.check_keys(*one, "a limit", {"what", "value", "source", "date", "confidence"}));
    Limit limit;
    WEIR_TRY(limit.what, reader.text_of(*one, "what"));
    WEIR_TRY(limit.value, reader.text_of(*one, "value"));
    WEIR_TRY(limit.source, reader.text_of(*one, "source"));
    WEIR_TRY(limit.date, reader.text_of(*one, "date"));
    WEIR_TRY(const std::string confidence, reader.text_of(*one, "confidence"));
    const auto parsed = confidence_of(confidence);
    if (!parsed)
      return reader.refuse(
          one->get("confidence")->source().begin,
          fmt::format("there is no confidence \"{}\"", confidence),
          "P: published by the provider, R: seen in a reply, C: from a third party");
    limit.confidence = *parsed;
    limits.push_back(std::move(limit));
  }
  return limits;
}

}  // namespace mailweir::provider
