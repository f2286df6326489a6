#include "provider/mx_pattern.h"

#include <algorithm>

namespace mailweir::provider {
namespace {

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool equal_but_for_marks(std::string_view pattern, std::string_view text) {
  return pattern.size() == text.size() &&
         std::equal(pattern.begin(), pattern.end(), text.begin(),
                    [](char p, char t) { return p == t || (p == '?' && t != '.'); });
}

}  // namespace

std::string_view mx_pattern_flaw(std::string_view pattern) {
  const bool any_labels = pattern.starts_with("*.");
  const std::string_view rest = any_labels ? pattern.substr(2) : pattern;
  if (rest.empty() || rest.starts_with('.') || rest.ends_with('.')) {
    return "write a host name such as \"mx?.example.net\" or \"*.example.net\"";
  }
  if (rest.find('*') != std::string_view::npos) {
    return "\"*\" stands only at the front, as in \"*.example.net\"";
  }
  if (!std::all_of(rest.begin(), rest.end(),
                   [](char c) { return c == '?' || is_host_character(c); })) {
    return "use lower-case letters, digits, \"-\", \".\", \"?\" and a leading \"*.\"";
  }
  if (any_labels && rest.find('.') == std::string_view::npos && rest.size() < 4) {
    return "this would claim a whole top-level domain; name the provider's own domain";
  }
  return {};
}

bool mx_pattern_matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return equal_but_for_marks(pattern, host);
  const std::string_view suffix =
      pattern.substr(1);  // with its dot, so a label ends where it begins
  return host.size() > suffix.size() &&
         equal_but_for_marks(suffix, host.substr(host.size() - suffix.size()));
}

}  // namespace mailweir::provider
