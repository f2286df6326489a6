#include "provider/ruling.h"

#include <array>
#include "provider/ruling_names.h"

namespace mailweir::provider {
namespace {

constexpr std::array<std::string_view, 11> category_names = {
    "throttled",   "connection_limit",  "block_listed",     "greylisted",
    "mailbox",     "content",           "authentication",   "receiver_trouble",
    "session_end", "unknown_temporary", "unknown_permanent"};
static_assert(category_names.size() == static_cast<std::size_t>(Category::unknown_permanent) + 1);

constexpr std::array<std::string_view, 9> scope_names = {"source",      "netblock", "sender_domain",
                                                         "dkim_domain", "url",      "recipient",
                                                         "message",     "host",     "tenant"};
static_assert(scope_names.size() == static_cast<std::size_t>(Scope::tenant) + 1);

template <class Enum, std::size_t size>
std::optional<Enum> find_name(const std::array<std::string_view, size>& names,
                              std::string_view text) {
  for (std::size_t i = 0; i < size; ++i) {
    if (names[i] == text) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Category category) {
  return category_names[static_cast<std::size_t>(category)];
}

std::string_view to_string(Scope scope) {
  return scope_names[static_cast<std::size_t>(scope)];
}

std::optional<Category> parse_category(std::string_view text) {
  return find_name<Category>(category_names, text);
}

std::optional<Scope> parse_scope(std::string_view text) {
  return find_name<Scope>(scope_names, text);
}

}  // namespace mailweir::provider
