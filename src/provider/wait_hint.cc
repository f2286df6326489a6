#include "provider/wait_hint.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/ascii.h"

namespace mailweir::provider {
namespace {

using ascii::is_digit;

constexpr bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}

constexpr std::size_t cue_window = 56;
// One of these within cue_window before (or a few characters behind) the number makes it a wait.
constexpr auto cues = std::to_array<std::string_view>(
    {"again",         "retry",        "wait",         "resume",      "come back",
     "resend",        "greylist",     "graylist",     "grey-list",   "gray-list",
     "blocked for",   "deferred for", "delay",        "expires in",  "reconnect",
     "suspended for", "banned for",   "rejected for", "refused for", "later"});
constexpr auto cues_behind = std::to_array<std::string_view>(
    {"remaining", "left", "and try", "and retry", "before", "later"});

struct Number {
  std::uint64_t value = 0;
  std::size_t length = 0;
};

Number number_at(std::string_view text) {
  Number number;
  while (number.length < text.size() && number.length < 7 && is_digit(text[number.length])) {
    number.value = number.value * 10 + static_cast<std::uint64_t>(text[number.length] - '0');
    ++number.length;
  }
  return number;
}

std::optional<Duration> unit_of(std::string_view word) {
  using std::chrono::hours;
  using std::chrono::minutes;
  using std::chrono::seconds;
  if (word == "s" || word.starts_with("sec")) return seconds(1);
  if (word == "m" || word == "mn" || word.starts_with("min")) return minutes(1);
  if (word == "h" || word == "hr" || word == "hrs" || word.starts_with("hour") ||
      word.starts_with("stunde") || word.starts_with("heure"))
    return hours(1);
  if (word == "day" || word == "days") return hours(24);
  return std::nullopt;
}

// "00:05:00" or "05:00" behind the number that ends at the front of `rest`.
std::optional<Duration> clock_of(std::uint64_t first, std::string_view rest, std::size_t& used) {
  std::array<std::uint64_t, 3> parts = {first, 0, 0};
  std::size_t count = 1;
  while (count < 3 && rest.size() > 2 && rest[0] == ':' && is_digit(rest[1]) && is_digit(rest[2])) {
    const auto tens = static_cast<std::uint64_t>(rest[1] - '0');
    parts[count++] = 10 * tens + static_cast<std::uint64_t>(rest[2] - '0');
    rest.remove_prefix(3);
    used += 3;
  }
  if (count == 1) return std::nullopt;
  const std::uint64_t total =
      count == 3 ? parts[0] * 3600 + parts[1] * 60 + parts[2] : parts[0] * 60 + parts[1];
  return std::chrono::seconds(total);
}

template <std::size_t size>
bool has_any(std::string_view text, const std::array<std::string_view, size>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.contains(word); });
}

bool is_wait(std::string_view before, std::string_view behind) {
  // "20 messages per 60 minutes", "in the last 5 minutes": a rate, not a wait.
  for (const std::string_view counted : {" per ", " last ", " past ", " within ", " every ", "/"}) {
    if (before.ends_with(counted)) return false;
  }
  return has_any(before, cues) || has_any(behind.substr(0, 24), cues_behind);
}

}  // namespace

Duration wait_hint(std::string_view folded) {
  std::size_t at = 1;
  while (at < folded.size()) {
    const char before = folded[at - 1];
    if (!is_digit(folded[at]) || is_digit(before) || before == '.' || before == '-' ||
        before == ':' || is_letter(before)) {
      ++at;
      continue;
    }
    const Number number = number_at(folded.substr(at));
    std::size_t end = at + number.length;
    std::optional<Duration> wait = clock_of(number.value, folded.substr(end), end);
    if (!wait) {
      std::size_t word = end;
      while (word < folded.size() && (folded[word] == ' ' || folded[word] == '-')) ++word;
      std::size_t word_end = word;
      while (word_end < folded.size() && is_letter(folded[word_end])) ++word_end;
      if (const auto unit = unit_of(folded.substr(word, word_end - word)))
        wait = *unit * static_cast<std::int64_t>(number.value);
      if (wait) end = word_end;
    }
    const std::size_t window = std::min(at, cue_window);
    if (wait && *wait > Duration::zero() &&
        is_wait(folded.substr(at - window, window), folded.substr(end)))
      return std::min(*wait, wait_hint_max);
    at = end;
  }
  return Duration::zero();
}

}  // namespace mailweir::provider
