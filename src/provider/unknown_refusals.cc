#include "provider/unknown_refusals.h"

#include <algorithm>

#include "base/ascii.h"
#include "provider/phrase_index.h"

namespace mailweir::provider {
namespace {

using ascii::is_digit;

constexpr std::size_t masked_bytes_max = 160;

// Digits make a queue id; a word without any is prose.
std::string masked_word(std::string_view word) {
  std::string_view core = word;
  std::string front;
  std::string back;
  const std::string_view brackets = "<>()[]{},;:'\"";
  while (!core.empty() && brackets.contains(core.front())) {
    front += core.front();
    core.remove_prefix(1);
  }
  while (!core.empty() && brackets.contains(core.back())) {
    back.insert(back.begin(), core.back());
    core.remove_suffix(1);
  }
  std::string middle;
  if (PhraseIndex::contains_ip_address(" " + std::string(core) + " ")) {
    middle = "<ip>";
  } else if (std::count_if(core.begin(), core.end(), is_digit) >= 3 && core.size() >= 8) {
    middle = "#";
  } else {
    for (const char c : core) {
      if (!is_digit(c)) {
        middle += c;
      } else if (!middle.ends_with('#')) {
        middle += '#';
      }
    }
  }
  return front + middle + back;
}

}  // namespace

std::string masked_text(const Reply& reply) {
  std::string masked = std::to_string(reply.code);
  const FoldedText folded(reply.text);
  std::string_view rest = folded.view();
  while (!rest.empty() && masked.size() < masked_bytes_max) {
    const std::size_t begin = rest.find_first_not_of(' ');
    if (begin == std::string_view::npos) break;
    rest.remove_prefix(begin);
    const std::size_t end = std::min(rest.find(' '), rest.size());
    masked += " " + masked_word(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  masked.resize(std::min(masked.size(), masked_bytes_max));
  return masked;
}

bool UnknownRefusals::add(std::string_view provider, const Reply& reply, UnixTime at) {
  ++total_;
  std::string text = masked_text(reply);
  std::string key = std::string(provider) + '\n' + text;
  if (const auto known = entries_.find(key); known != entries_.end()) {
    ++known->second.count;
    known->second.last_seen = at;
    return false;
  }
  Entry entry{.provider = std::string(provider),
              .text = std::move(text),
              .sample = to_display(reply),
              .count = 1,
              .first_seen = at,
              .last_seen = at};
  if (entries_.size() == entries_max) {
    const auto rarest = std::min_element(
        entries_.begin(), entries_.end(),
        [](const auto& a, const auto& b) { return a.second.count < b.second.count; });
    entry.count += rarest->second.count;
    entries_.erase(rarest);
  }
  entries_.emplace(std::move(key), std::move(entry));
  return true;
}

std::vector<UnknownRefusals::Entry> UnknownRefusals::entries() const {
  std::vector<Entry> sorted;
  sorted.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) sorted.push_back(entry);
  std::sort(sorted.begin(), sorted.end(), [](const Entry& a, const Entry& b) {
    if (a.count != b.count) return a.count > b.count;
    return a.provider != b.provider ? a.provider < b.provider : a.text < b.text;
  });
  return sorted;
}

}  // namespace mailweir::provider
