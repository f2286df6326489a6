#include "provider/phrase_index.h"

#include <algorithm>
#include <queue>

#include "base/ascii.h"
#include "base/assert.h"
#include "provider/letter_case.h"

namespace mailweir::provider {
namespace {

using ascii::is_digit;

constexpr std::string_view ip_phrase = "<ip>";
constexpr std::string_view address_mark = "<address>";

constexpr bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z');
}
constexpr bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

// The length of "4.7.28 " at the front of a further line, or 0.
std::size_t status_length(std::string_view line) {
  std::size_t at = 0;
  for (int part = 0; part < 3; ++part) {
    const std::size_t begin = at;
    while (at < line.size() && at - begin < 3 && is_digit(line[at])) ++at;
    if (at == begin) return 0;
    if (part < 2) {
      if (at == line.size() || line[at] != '.') return 0;
      ++at;
    }
  }
  return at == line.size() || is_space(line[at]) ? at : 0;
}

bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}

// The length of the IPv4 address at the front of `text`, or 0.
std::size_t ipv4_length(std::string_view text) {
  std::size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    const std::size_t begin = at;
    while (at < text.size() && at - begin < 3 && is_digit(text[at])) ++at;
    if (at == begin) return 0;
    if (part == 3) break;
    if (at == text.size() || text[at] != '.') return 0;
    ++at;
  }
  return at;
}

// Two groups and "::", or four groups with colons: enough to tell an IPv6 address from a time.
bool is_ipv6(std::string_view text) {
  std::size_t groups = 0;
  bool has_gap = false;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t begin = at;
    while (at < text.size() && at - begin < 4 && is_hex_digit(text[at])) ++at;
    if (at != begin) ++groups;
    if (at == text.size() || text[at] != ':') break;
    ++at;
    if (at < text.size() && text[at] == ':') {
      has_gap = true;
      ++at;
    }
  }
  return groups >= 4 || (has_gap && groups >= 2);
}

}  // namespace

std::size_t FoldedText::put_address(std::string_view rest) {
  const auto is_local = [](char c) {
    return is_word(c) || static_cast<unsigned char>(c) >= 0x80 ||
           std::string_view(".-_+=/&!$%*?^{|}~").contains(c);
  };
  std::size_t begin = size_;
  while (begin > 1 && is_local(buffer_[begin - 1])) --begin;
  std::size_t length = 1;
  const auto is_domain = [](char c) {
    return is_word(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  while (length < rest.size() && is_domain(rest[length])) ++length;
  if (begin == size_ || length == 1) return 0;
  size_ = begin;
  for (const char c : address_mark) put(c);
  return length;
}

FoldedText::FoldedText(std::string_view text) {
  put(' ');
  std::size_t at = 0;
  bool is_line_begin = false;
  while (at < text.size() && size_ < buffer_.size() - 1) {
    const char c = text[at];
    if (is_space(c)) {
      if (buffer_[size_ - 1] != ' ') put(' ');
      is_line_begin = is_line_begin || c == '\n';
      ++at;
      continue;
    }
    if (is_line_begin) {
      is_line_begin = false;
      if (const std::size_t status = status_length(text.substr(at)); status != 0) {
        at += status;
        continue;
      }
    }
    if (c == '@') {
      if (const std::size_t address = put_address(text.substr(at)); address != 0) {
        at += address;
        continue;
      }
    }
    if (static_cast<unsigned char>(c) >= 0x80) {
      const FoldedLetter letter = fold_letter(text.substr(at));
      at += letter.length;
      if (letter.view() == " " && buffer_[size_ - 1] == ' ') continue;
      for (const char folded : letter.view()) put(folded);
      continue;
    }
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (lower == '-' && buffer_[size_ - 1] == 'e' && !is_word(buffer_[size_ - 2]) &&
        (text.substr(at + 1).starts_with("mail") || text.substr(at + 1).starts_with("Mail"))) {
      ++at;  // e-mail
      continue;
    }
    put(lower);
    ++at;
  }
  if (buffer_[size_ - 1] != ' ') put(' ');
}

std::string_view phrase_flaw(std::string_view phrase) {
  if (phrase == ip_phrase) return {};
  if (phrase.ends_with('.')) return "leave the dot at the end away: replies often have none";
  if (std::any_of(phrase.begin(), phrase.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
    return "write it in lower case: replies are compared in lower case";
  const FoldedText folded(phrase);
  if (folded.view() != " " + std::string(phrase) + " ")
    return "write single spaces, none at the ends, and \"email\" without a hyphen";
  if (phrase.starts_with('*')) phrase.remove_prefix(1);
  if (phrase.ends_with('*')) phrase.remove_suffix(1);
  if (phrase.contains('*')) return "a \"*\" may stand at the ends only";
  const auto letters =
      std::count_if(phrase.begin(), phrase.end(), [](char c) { return c != '#' && c != ' '; });
  if (letters < 2) return "give at least two characters, or it is found everywhere";
  return {};
}

PhraseIndex::Phrase PhraseIndex::parse(std::string_view phrase) {
  Phrase parsed;
  parsed.is_open_in_front = phrase.starts_with('*');
  if (parsed.is_open_in_front) phrase.remove_prefix(1);
  parsed.is_open_behind = phrase.ends_with('*');
  if (parsed.is_open_behind) phrase.remove_suffix(1);
  parsed.text = phrase;
  std::size_t begin = 0;
  while (begin < phrase.size()) {
    const std::size_t end = std::min(phrase.find('#', begin), phrase.size());
    if (end - begin > parsed.anchor_size) {
      parsed.anchor_size = end - begin;
      parsed.anchor_end = end;
    }
    begin = end + 1;
  }
  return parsed;
}

PhraseIndex::Id PhraseIndex::add(std::string_view phrase) {
  const auto [place, is_new] = ids_.try_emplace(std::string(phrase), static_cast<Id>(size()));
  if (!is_new) return place->second;
  WEIR_ASSERT(size() < phrases_max);
  if (phrase == ip_phrase) ip_phrase_ = place->second;
  phrases_.push_back(phrase == ip_phrase ? Phrase() : parse(phrase));
  return place->second;
}

void PhraseIndex::build_trie() {
  class_of_.fill(0);
  classes_ = 1;
  for (const Phrase& phrase : phrases_) {
    for (const char c : phrase.text) {
      auto& klass = class_of_[static_cast<unsigned char>(c)];
      if (c != '#' && klass == 0) klass = static_cast<std::uint8_t>(classes_++);
    }
  }
  next_.assign(classes_, 0);
  outputs_.assign(1, {});
  for (std::size_t id = 0; id < phrases_.size(); ++id) {
    const Phrase& phrase = phrases_[id];
    if (phrase.anchor_size == 0) continue;
    std::uint32_t state = 0;
    for (std::size_t i = phrase.anchor_end - phrase.anchor_size; i < phrase.anchor_end; ++i) {
      const std::size_t edge =
          state * classes_ + class_of_[static_cast<unsigned char>(phrase.text[i])];
      if (next_[edge] == 0) {
        WEIR_ASSERT(outputs_.size() <= states_max);
        next_[edge] = static_cast<std::uint16_t>(outputs_.size());
        outputs_.emplace_back();
        next_.resize(next_.size() + classes_, 0);
      }
      state = next_[edge];
    }
    outputs_[state].push_back(static_cast<Id>(id));
  }
}

void PhraseIndex::build_links() {
  const std::size_t states = outputs_.size();
  std::vector<std::uint32_t> shorter(states, 0);
  has_output_.assign(states, 0);
  further_.assign(states, 0);
  std::queue<std::uint32_t> pending;
  for (std::size_t c = 0; c < classes_; ++c) {
    if (next_[c] != 0) pending.push(next_[c]);
  }
  while (!pending.empty()) {
    const std::uint32_t state = pending.front();
    pending.pop();
    further_[state] = has_output_[shorter[state]];
    has_output_[state] = outputs_[state].empty() ? further_[state] : state;
    for (std::size_t c = 0; c < classes_; ++c) {
      std::uint16_t& edge = next_[state * classes_ + c];
      const std::uint16_t otherwise = next_[shorter[state] * classes_ + c];
      if (edge == 0) {
        edge = otherwise;
      } else {
        shorter[edge] = otherwise;
        pending.push(edge);
      }
    }
  }
}

void PhraseIndex::build() {
  build_trie();
  build_links();
}

bool PhraseIndex::stands_at(const Phrase& phrase, std::string_view text, std::size_t anchor_end) {
  if (anchor_end < phrase.anchor_end) return false;
  const std::size_t begin = anchor_end - phrase.anchor_end;
  const std::size_t end = begin + phrase.text.size();
  if (end > text.size()) return false;
  if (phrase.text.size() != phrase.anchor_size) {
    for (std::size_t i = 0; i < phrase.text.size(); ++i) {
      const char wanted = phrase.text[i];
      const char c = text[begin + i];
      if (wanted == '#' ? !is_digit(c) : c != wanted) return false;
    }
  }
  const auto is_inside = [&](char edge, char neighbour) {
    return (is_word(edge) || edge == '#') && is_word(neighbour);
  };
  if (!phrase.is_open_in_front && begin > 0 && is_inside(phrase.text.front(), text[begin - 1]))
    return false;
  return phrase.is_open_behind || end == text.size() || !is_inside(phrase.text.back(), text[end]);
}

bool PhraseIndex::contains_ip_address(std::string_view folded) {
  for (std::size_t at = 1; at < folded.size(); ++at) {
    const char before = folded[at - 1];
    if (!is_hex_digit(folded[at]) || is_word(before) || before == '.' || before == ':') continue;
    const std::string_view rest = folded.substr(at);
    const std::size_t length = ipv4_length(rest);
    if (length != 0 && (length == rest.size() || !(is_word(rest[length]) || rest[length] == '-')))
      return true;
    if (is_ipv6(rest)) return true;
  }
  return false;
}

}  // namespace mailweir::provider
