#include "senders/throttle_pattern.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace mailweir::senders {
namespace {

constexpr std::array<std::string_view, 15> phrases{
    "server busy",
    "rate limited",
    "rate that",
    "unusual rate",
    "too many connections",
    "too much mail",
    "too many messages",
    "temporarily deferred",
    "temporarily blocked",
    "limits for how many",
    "exceeded the maximum",
    "access denied, please try again later",
    "throttl",
    "tss0",
    "block list",
};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool contains(std::string_view text, std::string_view phrase) {
  const auto found =
      std::search(text.begin(), text.end(), phrase.begin(), phrase.end(),
                  [](char of_text, char of_phrase) { return lower(of_text) == of_phrase; });
  return found != text.end();
}

}  // namespace

bool looks_throttled(const Reply& reply) {
  if (!reply.is_transient() && !reply.is_permanent()) return false;
  return std::any_of(phrases.begin(), phrases.end(),
                     [&](std::string_view phrase) { return contains(reply.text, phrase); });
}

}  // namespace mailweir::senders
