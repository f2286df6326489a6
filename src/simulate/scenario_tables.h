// The templates of a ScenarioReading.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/nearest_name.h"
#include "config/contains.h"
#include "config/option_builder.h"
#include "config/value_kind.h"
#include "simulate/scenario_reading.h"

namespace mailweir::simulate {

// `others`: keys that the caller reads itself.
template <class Item>
void ScenarioReading::read_table(const std::vector<config::Option<Item>>& options,
                                 const config::Table& table, std::string_view shown, Item& item,
                                 const std::vector<std::string_view>& others) {
  std::vector<std::string_view> known = others;
  for (const auto& option : options) {
    known.push_back(option.key);
    if (const config::Entry* entry = table.find(option.key))
      std::ranges::move(option.read(item, entry->node), std::back_inserter(complaints));
  }
  for (const config::Entry& entry : table.entries) {
    if (config::contains(known, std::string_view(entry.key))) continue;
    const std::string_view near = nearest_name(entry.key, known);
    complain(entry.place,
             fmt::format("unknown key {} in {}; {}", config::quote(entry.key), shown,
                         near.empty() ? fmt::format("known are: {}", fmt::join(known, ", "))
                                      : fmt::format("did you mean \"{}\"?", near)));
  }
}

template <class Item, class Use>
void ScenarioReading::read_list(const config::Table& parent, std::string_view key,
                                const std::vector<config::Option<Item>>& options,
                                const std::vector<std::string_view>& others, Use use) {
  const std::string_view last = key.substr(key.rfind('.') + 1);
  const config::Entry* entry = parent.find(last);
  if (entry == nullptr) return;
  if (!entry->node.is_list_of_tables()) {
    complain(entry->place,
             fmt::format("\"{}\" is a list of tables; write each as [[{}]]", key, key));
    return;
  }
  for (const config::Node& element : *entry->node.array()) {
    const config::Table& table = *element.table();
    Item item{};
    read_table(options, table, fmt::format("[[{}]]", key), item, others);
    for (const auto& option : options) {
      if (option.is_required && table.find(option.key) == nullptr)
        require(table, element.place, option.key, fmt::format("[[{}]] needs it", key));
    }
    // Used even if wrong, so that what refers to its name is not complained of as well.
    use(item, table, element.place);
  }
}

}  // namespace mailweir::simulate
