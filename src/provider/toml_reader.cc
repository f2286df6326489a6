#include "provider/toml_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace mailweir::provider {

std::unexpected<Error> TomlReader::refuse(toml::source_position at, std::string_view cause,
                                          std::string_view remedy) const {
  const std::string line_number = std::to_string(at.line);
  return fail(Errc::invalid_argument,
              fmt::format("{}:{}:{}: {}\n  {} | {}\n  {:>{}} | {:>{}}\n{}", file_name_, at.line,
                          at.column, cause, line_number, line(at.line), "", line_number.size(), "^",
                          at.column, remedy));
}

Result<void> TomlReader::check_keys(const toml::table& table, std::string_view what,
                                    std::initializer_list<std::string_view> known) const {
  for (const auto& [key, node] : table) {
    if (std::find(known.begin(), known.end(), key.str()) == known.end()) {
      return refuse(key.source().begin, fmt::format("unknown key \"{}\"", key.str()),
                    fmt::format("the keys of {} are {}", what, fmt::join(known, ", ")));
    }
  }
  return {};
}

Result<std::string> TomlReader::text_of(const toml::table& table, std::string_view key) const {
  const toml::node* node = table.get(key);
  if (node == nullptr) {
    auto at = table.source().begin;
    if (!at) at = {1, 1};
    return refuse(at, fmt::format("the key \"{}\" is missing", key),
                  fmt::format("add: {} = \"…\"", key));
  }
  const auto value = node->value_exact<std::string>();
  if (!value || value->empty()) {
    return refuse(node->source().begin, fmt::format("\"{}\" must be a text that is not empty", key),
                  fmt::format("write: {} = \"…\"", key));
  }
  return *value;
}

Result<std::string> TomlReader::optional_text(const toml::table& table,
                                              std::string_view key) const {
  if (table.get(key) == nullptr) return std::string();
  return text_of(table, key);
}

Result<std::vector<std::string>> TomlReader::texts_of(const toml::table& table,
                                                      std::string_view key) const {
  std::vector<std::string> texts;
  const toml::node* node = table.get(key);
  if (node == nullptr) return texts;
  const toml::array* list = node->as_array();
  if (list == nullptr) {
    WEIR_TRY(std::string text, text_of(table, key));
    texts.push_back(std::move(text));
    return texts;
  }
  for (const toml::node& item : *list) {
    const auto text = item.value_exact<std::string>();
    if (!text || text->empty()) {
      return refuse(item.source().begin, fmt::format("\"{}\" holds texts that are not empty", key),
                    fmt::format("write: {} = [\"…\", \"…\"]", key));
    }
    texts.push_back(*text);
  }
  return texts;
}

std::string_view TomlReader::line(toml::source_index number) const {
  std::string_view rest = text_;
  for (toml::source_index n = 1; n < number; ++n) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  return rest.substr(0, rest.find('\n'));
}

}  // namespace mailweir::provider
