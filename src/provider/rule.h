// A Rule reads one kind of refusal: when it applies, and what such a refusal means. Plain values,
// as written in providers/*.toml (docs/providers.md); RuleBook judges by them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "provider/ruling.h"

namespace mailweir::provider {

// Reply codes from `low` to `high`, both included.
struct CodeRange {
  std::uint16_t low = 400;
  std::uint16_t high = 599;
};

// "4.7.28", "x.7.500-699", "5.1.x": an `x` is open.
struct EnhancedPattern {
  std::uint16_t klass = 0;  // 0: any
  std::uint16_t subject_low = 0;
  std::uint16_t subject_high = 999;
  std::uint16_t detail_low = 0;
  std::uint16_t detail_high = 999;

  bool matches(EnhancedStatus status) const {
    return (klass == 0 || klass == status.klass) && status.subject >= subject_low &&
           status.subject <= subject_high && status.detail >= detail_low &&
           status.detail <= detail_high;
  }
};

// A reply as it was seen, or published by the provider.
struct Sample {
  Phase phase = Phase::rcpt;
  Reply reply;
  std::string source;  // empty: that of its rule
  std::string date;
  std::size_t line = 0;  // in the file
};

// Where a fact comes from.
enum class Confidence : std::uint8_t {
  published,    // by the provider ("P")
  real_reply,   // seen in a real reply ("R")
  third_party,  // only in another catalogue, and corroborated ("C")
};

inline constexpr std::uint32_t any_phase = 0xffff'ffff;
constexpr std::uint32_t bit_of(Phase phase) {
  return 1U << static_cast<unsigned>(phase);
}

// Everything that is given must hold; of a list, one entry is enough (of `without`: none may). How
// phrases are written is told in phrase_index.h.
struct Rule {
  std::string name;  // "google/ip-rate"
  std::uint32_t phases = any_phase;
  std::vector<CodeRange> codes;
  std::vector<EnhancedPattern> enhanced;
  std::vector<std::string> tags;     // the provider's own codes: judged before prose
  std::vector<std::string> phrases;  // prose
  std::vector<std::string> with;     // further prose
  std::vector<std::string> without;
  Category category = Category::unknown_temporary;
  Scope scope = Scope::message;
  Duration wait{};
  std::string source;
  std::string date;
  Confidence confidence = Confidence::third_party;
  std::vector<Sample> samples;
  std::string file;
  std::size_t line = 0;
  bool is_local = false;  // an operator's own: judged before those built in
};

// A known limit, for people: the engine learns its own.
struct Limit {
  std::string what;   // "connections", "messages per connection"
  std::string value;  // "25 per IP"
  std::string source;
  std::string date;
  Confidence confidence = Confidence::third_party;
};

}  // namespace mailweir::provider
