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
constexpr std::size_t cue_window_behind = 24;
// One of these within cue_window before (or a few characters behind) the number makes it a wait.
constexpr auto cues = std::to_array<std::string_view>(
    {"again",   "retry",       "wait",      "resume",    "come back",
     "resend",  "greylist",    "graylist",  "grey-list", "gray-list",
     "delay",   "expires in",  "reconnect", "next slot", "later",
     "erneut",  "noch einmal", "réessay",   "reessay",   "veuillez attendre",
     "patient", "reinten",     "inténtelo", "de nuevo",  "novamente",
     "riprova", "ritenta",     "ponownie",  "повтор",    "попробуйте",
     "через",   "等待",        "稍候"});
constexpr auto cues_behind = std::to_array<std::string_view>(
    {"remaining", "left", "and try", "and retry", "before", "later", "erneut", "wieder versuch",
     "nochmal", "後", "后", "후", "待"});
// "… for 30 minutes" behind one of these.
constexpr auto stops = std::to_array<std::string_view>(
    {"block", "throttl", "limited", "defer", "suspen", "banned", "reject", "refus", "paused",
     "listed", "locked", "denied", "closed", "probation", "slow down", "back off"});
// In front of a span of time in which something is counted.
constexpr auto counted = std::to_array<std::string_view>(
    {" per ", " last ", " past ", " within ", " every ", "/", "messages in ", "mails in ",
     "mail in ", "recipients in ", "connections in ", "sessions in ", "attempts in ",
     "requests in ", "deliveries in ", "times in ", "errors in "});
// A number behind one of these is in seconds when it has no unit (RFC 9110 section 10.2.3).
constexpr auto bare_cues = std::to_array<std::string_view>(
    {"retry-after: ", "retry-after:", "retry-after ", "retry-after=", "retry after ",
     "retry after: ", "retry_after: ", "retry_after="});

struct Unit {
  std::string_view begin;
  std::chrono::seconds length;
};
constexpr auto whole_words = std::to_array<Unit>({{"s", std::chrono::seconds(1)},
                                                  {"m", std::chrono::minutes(1)},
                                                  {"mn", std::chrono::minutes(1)},
                                                  {"h", std::chrono::hours(1)},
                                                  {"hr", std::chrono::hours(1)},
                                                  {"hrs", std::chrono::hours(1)},
                                                  {"ora", std::chrono::hours(1)},
                                                  {"ore", std::chrono::hours(1)},
                                                  {"day", std::chrono::hours(24)},
                                                  {"days", std::chrono::hours(24)}});
constexpr auto word_fronts = std::to_array<Unit>({{"sec", std::chrono::seconds(1)},
                                                  {"sek", std::chrono::seconds(1)},
                                                  {"seg", std::chrono::seconds(1)},
                                                  {"min", std::chrono::minutes(1)},
                                                  {"hour", std::chrono::hours(1)},
                                                  {"stunde", std::chrono::hours(1)},
                                                  {"heure", std::chrono::hours(1)},
                                                  {"hora", std::chrono::hours(1)},
                                                  {"godzin", std::chrono::hours(1)},
                                                  {"секунд", std::chrono::seconds(1)},
                                                  {"минут", std::chrono::minutes(1)},
                                                  {"час", std::chrono::hours(1)},
                                                  {"秒", std::chrono::seconds(1)},
                                                  {"分", std::chrono::minutes(1)},
                                                  {"時間", std::chrono::hours(1)},
                                                  {"小时", std::chrono::hours(1)},
                                                  {"초", std::chrono::seconds(1)},
                                                  {"분", std::chrono::minutes(1)},
                                                  {"시간", std::chrono::hours(1)}});

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

// The unit that stands behind a number; moves `rest` behind it.
std::optional<std::chrono::seconds> take_unit(std::string_view& rest) {
  const std::size_t word = std::min(rest.find_first_not_of(" -"), rest.size());
  std::size_t end = word;
  while (end < rest.size() && is_letter(rest[end])) ++end;
  const std::string_view letters = rest.substr(word, end - word);
  for (const Unit& unit : whole_words) {
    if (letters != unit.begin) continue;
    rest.remove_prefix(end);
    return unit.length;
  }
  for (const Unit& unit : word_fronts) {
    if (!rest.substr(word).starts_with(unit.begin)) continue;
    rest.remove_prefix(std::max(end, word + unit.begin.size()));
    return unit.length;
  }
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

template <std::size_t size>
bool ends_with_any(std::string_view text, const std::array<std::string_view, size>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.ends_with(word); });
}

bool is_wait(std::string_view before, std::string_view behind) {
  // "20 messages per 60 minutes", "in the last 5 minutes": a rate, not a wait.
  if (ends_with_any(before, counted)) return false;
  const bool is_span = before.ends_with(" for ") || before.ends_with(" for the next ") ||
                       before.ends_with(" for at least ");
  return has_any(before, cues) || has_any(behind.substr(0, cue_window_behind), cues_behind) ||
         (is_span && has_any(before, stops));
}

// What the number at the front of `rest` says with all that belongs to it ("5 min 30 sec",
// "00:05:00"); moves `rest` behind it. `before` is the text in front.
std::optional<Duration> take_span(std::string_view before, std::string_view& rest) {
  const Number number = number_at(rest);
  rest.remove_prefix(number.length);
  std::size_t clock = 0;
  if (const auto wait = clock_of(number.value, rest, clock)) {
    rest.remove_prefix(clock);
    return wait;
  }
  const auto value = static_cast<std::int64_t>(number.value);
  std::optional<std::chrono::seconds> unit = take_unit(rest);
  if (!unit) {
    const std::size_t next = rest.find_first_not_of(" .,;)");
    const bool is_last = next == std::string_view::npos || !is_letter(rest[next]);
    if (!is_last || !ends_with_any(before, bare_cues)) return std::nullopt;
    return std::chrono::seconds(value);
  }
  Duration total = *unit * value;
  while (true) {
    std::string_view further = rest;
    for (const std::string_view join : {",", " and", " und", " et"}) {
      if (further.starts_with(join)) further.remove_prefix(join.size());
    }
    if (further.starts_with(' ')) further.remove_prefix(1);
    const Number smaller = number_at(further);
    further.remove_prefix(smaller.length);
    const auto smaller_unit = smaller.length == 0 ? std::nullopt : take_unit(further);
    if (!smaller_unit || *smaller_unit >= *unit) return total;
    unit = smaller_unit;
    total += *unit * static_cast<std::int64_t>(smaller.value);
    rest = further;
  }
}

}  // namespace

Duration wait_hint(std::string_view folded) {
  std::size_t at = 1;
  while (at < folded.size()) {
    const char before = folded[at - 1];
    if (!is_digit(folded[at]) || is_digit(before) || before == '.' || before == '-' ||
        (before == ':' && !ends_with_any(folded.substr(0, at), bare_cues)) || is_letter(before)) {
      ++at;
      continue;
    }
    const std::size_t window = std::min(at, cue_window);
    const std::string_view front = folded.substr(at - window, window);
    std::string_view rest = folded.substr(at);
    const std::optional<Duration> wait = take_span(front, rest);
    if (wait && *wait > Duration::zero() && is_wait(front, rest))
      return std::min(*wait, wait_hint_max);
    at = folded.size() - rest.size();
  }
  return Duration::zero();
}

}  // namespace mailweir::provider
