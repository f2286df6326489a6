#include "console/answering.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace mailweir::console {

Result<std::size_t> read_count(const Request& request, std::string_view name, std::size_t fallback,
                               std::size_t most) {
  const auto text = request.query_value(name);
  if (!text) return fallback;
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc{} || end != text->data() + text->size() || value == 0 || value > most) {
    return fail(Errc::invalid_argument,
                fmt::format("{} must be a number from 1 to {}", name, most));
  }
  return value;
}

Result<MessageId> read_id(std::string_view text) {
  const auto id = parse_message_id(text);
  if (!id) {
    return fail(
        Errc::invalid_argument,
        fmt::format("\"{}\" is no message id; ids have 13 letters and digits, as 0000000001K3Z",
                    text));
  }
  return *id;
}

Result<void> allow_query(const Request& request, std::initializer_list<std::string_view> names) {
  for (const auto& [name, value] : request.query) {
    if (std::ranges::find(names, name) == names.end()) {
      return fail(Errc::invalid_argument, fmt::format("unknown parameter \"{}\"; known are: {}",
                                                      name, fmt::join(names, ", ")));
    }
  }
  return {};
}

}  // namespace mailweir::console
