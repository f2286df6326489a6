#include "config/show_config.h"

#include <fmt/format.h>

#include <string_view>

#include "config/option_table.h"

namespace mailweir::config {
namespace {

// What `config` would be if only the settings that others are derived from had been given.
Config derived_defaults(const Config& config) {
  Config defaults;
  defaults.data_dir = config.data_dir;
  defaults.sources = config.sources;
  complete(defaults, config.hostname);
  return defaults;
}

void append_options(std::string& text, const Config& config, const TableSection& table,
                    const Config* leave_out) {
  std::string lines;
  for (const Option<Config>& option : option_table().options) {
    if (table_of(option.key) != table.key) continue;
    const std::string value = option.print(config);
    if (value.empty() || (leave_out != nullptr && value == option.print(*leave_out))) continue;
    lines += fmt::format("{} = {}\n", key_in_table(option.key), value);
  }
  if (lines.empty()) return;
  if (!table.key.empty()) text += fmt::format("\n[{}]\n", table.key);
  text += lines;
}

void append_list(std::string& text, const Config& config, const ListSection& list,
                 const Config* leave_out) {
  const std::vector<PrintedTable> elements = list.print(config);
  if (leave_out != nullptr && elements == list.print(*leave_out)) return;
  for (const PrintedTable& element : elements) {
    text += fmt::format("\n[[{}]]\n", list.key);
    for (const auto& [key, value] : element) text += fmt::format("{} = {}\n", key, value);
  }
}

}  // namespace

std::string show_config(const Config& config, Extent extent, const std::string& system_hostname) {
  // The settings others depend on are compared with their own defaults, all others with what
  // follows from these.
  const Config derived = derived_defaults(config);
  Config plain = derived;
  plain.data_dir = Config{}.data_dir;
  plain.hostname = system_hostname;
  plain.sources = default_config(config.hostname).sources;
  const Config* leave_out = extent == Extent::non_default ? &plain : nullptr;
  std::string text;
  for (const TableSection& table : option_table().tables)
    append_options(text, config, table, leave_out);
  for (const ListSection& list : option_table().lists) append_list(text, config, list, leave_out);
  return text.starts_with('\n') ? text.substr(1) : text;
}

}  // namespace mailweir::config
