#include "provider/provider_file.h"

#include <fmt/format.h>

#include <toml++/toml.h>

#include <algorithm>
#include <optional>

#include "provider/mx_pattern.h"

namespace mailweir::provider {
namespace {

// One file being read; knows how to point at a place in it.
class Reader {
 public:
  Reader(std::string_view text, std::string_view file_name) : text_(text), file_name_(file_name) {}

  std::unexpected<Error> refuse(toml::source_position at, std::string_view cause,
                                std::string_view remedy) const {
    const std::string line_number = std::to_string(at.line);
    return fail(Errc::invalid_argument,
                fmt::format("{}:{}:{}: {}\n  {} | {}\n  {:>{}} | {:>{}}\n{}", file_name_, at.line,
                            at.column, cause, line_number, line(at.line), "", line_number.size(),
                            "^", at.column, remedy));
  }

  Result<std::string> string_of(const toml::table& table, std::string_view key) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
      return refuse({1, 1}, fmt::format("the key \"{}\" is missing", key),
                    fmt::format("add: {} = \"…\"", key));
    }
    const auto value = node->value_exact<std::string>();
    if (!value || value->empty()) {
      return refuse(node->source().begin,
                    fmt::format("\"{}\" must be a text that is not empty", key),
                    fmt::format("write: {} = \"…\"", key));
    }
    return *value;
  }

  Result<std::vector<std::string>> patterns_of(const toml::table& table) const {
    const toml::node* node = table.get("mx");
    const toml::array* list = node == nullptr ? nullptr : node->as_array();
    if (list == nullptr || list->empty()) {
      const auto at = node == nullptr ? toml::source_position{1, 1} : node->source().begin;
      return refuse(at, "\"mx\" must be a list of host patterns",
                    "write: mx = [\"*.example.net\"]");
    }
    std::vector<std::string> patterns;
    for (const toml::node& item : *list) {
      const auto pattern = item.value_exact<std::string>();
      const std::string_view flaw =
          pattern ? mx_pattern_flaw(*pattern) : "write a text such as \"*.example.net\"";
      if (!flaw.empty()) return refuse(item.source().begin, "this is no pattern of MX hosts", flaw);
      patterns.push_back(*pattern);
    }
    return patterns;
  }

 private:
  std::string_view line(toml::source_index number) const {
    std::string_view rest = text_;
    for (toml::source_index n = 1; n < number; ++n) {
      const std::size_t end = rest.find('\n');
      if (end == std::string_view::npos) return {};
      rest.remove_prefix(end + 1);
    }
    return rest.substr(0, rest.find('\n'));
  }

  std::string_view text_;
  std::string_view file_name_;
};

bool is_key(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Result<ProviderEntry> entry_of(const toml::table& table, const Reader& reader) {
  for (const auto& [key, node] : table) {
    if (key != "key" && key != "name" && key != "mx") {
      return reader.refuse(key.source().begin, fmt::format("unknown key \"{}\"", key.str()),
                           "the keys of a provider are \"key\", \"name\" and \"mx\"");
    }
  }
  ProviderEntry entry;
  WEIR_TRY(entry.key, reader.string_of(table, "key"));
  if (!is_key(entry.key)) {
    return reader.refuse(table.get("key")->source().begin, "this cannot be a provider's key",
                         "use lower-case letters, digits and \"-\"");
  }
  WEIR_TRY(entry.name, reader.string_of(table, "name"));
  WEIR_TRY(entry.mx_patterns, reader.patterns_of(table));
  return entry;
}

}  // namespace

Result<ProviderEntry> parse_provider_file(std::string_view toml, std::string_view file_name) {
  const Reader reader(toml, file_name);
  toml::table table;
  // toml++ of Debian throws; no exception leaves this file.
  try {
    table = toml::parse(toml, file_name);
  } catch (const toml::parse_error& error) {
    return reader.refuse(error.source().begin, error.description(),
                         "this is not TOML; see https://toml.io");
  }
  return entry_of(table, reader);
}

}  // namespace mailweir::provider
