#include "provider/provider_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "provider/mx_pattern.h"
#include "provider/phrase_index.h"
#include "provider/rule_book.h"
#include "provider/rule_file.h"
#include "provider/toml_reader.h"

namespace mailweir::provider {
namespace {

Result<std::vector<std::string>> patterns_of(const toml::table& table, const TomlReader& reader) {
  const toml::node* node = table.get("mx");
  const toml::array* list = node == nullptr ? nullptr : node->as_array();
  if (list == nullptr || list->empty()) {
    const auto at = node == nullptr ? toml::source_position{1, 1} : node->source().begin;
    return reader.refuse(at, "\"mx\" must be a list of host patterns",
                         "write: mx = [\"*.example.net\"]");
  }
  std::vector<std::string> patterns;
  for (const toml::node& item : *list) {
    const auto pattern = item.value_exact<std::string>();
    const std::string_view flaw =
        pattern ? mx_pattern_flaw(*pattern) : "write a text such as \"*.example.net\"";
    if (!flaw.empty())
      return reader.refuse(item.source().begin, "this is no pattern of MX hosts", flaw);
    patterns.push_back(*pattern);
  }
  return patterns;
}

bool is_key(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Result<ProviderEntry> entry_of(const toml::table& table, const TomlReader& reader) {
  WEIR_CHECK(reader.check_keys(
      table, "a provider", {"key", "name", "mx", "also", "trailers", "limits", "words", "rule"}));
  ProviderEntry entry;
  WEIR_TRY(entry.key, reader.text_of(table, "key"));
  if (!is_key(entry.key)) {
    return reader.refuse(table.get("key")->source().begin, "this cannot be a provider's key",
                         "use lower-case letters, digits and \"-\"");
  }
  WEIR_TRY(entry.name, reader.text_of(table, "name"));
  // The general rules belong to no host.
  if (entry.key != general_key || table.contains("mx")) {
    WEIR_TRY(entry.mx_patterns, patterns_of(table, reader));
  }
  WEIR_TRY(entry.also, reader.texts_of(table, "also"));
  WEIR_TRY(entry.trailers, reader.texts_of(table, "trailers"));
  for (const std::string& trailer : entry.trailers) {
    if (const std::string_view flaw = phrase_flaw(trailer); !flaw.empty())
      return reader.refuse(table.get("trailers")->source().begin,
                           fmt::format("\"{}\" is never found as it is written", trailer), flaw);
  }
  WEIR_TRY(entry.limits, read_limits(table, reader));
  WEIR_TRY(entry.rules, read_rules(table, entry.key, reader));
  return entry;
}

}  // namespace

Result<ProviderEntry> parse_provider_file(std::string_view toml, std::string_view file_name) {
  const TomlReader reader(toml, file_name);
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

Result<std::vector<ProviderEntry>> read_provider_folder(const std::string& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".toml") files.push_back(at->path());
  }
  if (error) return fail(Errc::io, fmt::format("{}: {}", folder, error.message()));
  std::sort(files.begin(), files.end());
  std::vector<ProviderEntry> entries;
  std::string refusals;
  for (const std::filesystem::path& file : files) {
    std::ifstream stream(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (!stream) {
      refusals += fmt::format("{}: cannot be read\n", file.string());
      continue;
    }
    auto entry = parse_provider_file(text, file.string());
    if (entry) {
      entries.push_back(std::move(*entry));
    } else {
      refusals += entry.error().context + "\n";
    }
  }
  if (!refusals.empty()) return fail(Errc::invalid_argument, std::move(refusals));
  return entries;
}

}  // namespace mailweir::provider
