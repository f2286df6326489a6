// How option_table.cc and list_table.cc declare options.
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/option_table.h"
#include "config/value_kind.h"

namespace mailweir::config {

// What most options leave as it is.
struct OptionTraits {
  Effect effect = Effect::on_reload;
  std::string default_text = {};  // instead of the value of a default-constructed owner
  bool is_required = false;
};

// The member of its owner that holds an option's value; a plain pointer, so that options of one
// type share their code.
template <class Owner, class T>
using Access = T& (*)(Owner&);

// Made once, at start: what an option keeps is given by value.
// NOLINTBEGIN(performance-unnecessary-value-param)
template <class Owner, class T>
Option<Owner> option(std::string key, std::type_identity_t<Access<Owner, T>> access, Kind<T> kind,
                     std::string meaning, OptionTraits traits = {}) {
  const auto read = [access, kind](Owner& owner, const Node& node) {
    ReadResult<T> value = kind.read(node);
    if (!value) return std::move(value.error());
    access(owner) = std::move(*value);
    return std::vector<Complaint>{};
  };
  const auto print = [access, kind](const Owner& owner) {
    return kind.print(access(const_cast<Owner&>(owner)));
  };
  std::string default_text = std::move(traits.default_text);
  if (default_text.empty() && !traits.is_required) {
    const std::string printed = print(Owner{});
    default_text = printed.empty() ? "none" : "`" + printed + "`";
  }
  return {.key = std::move(key),
          .kind = std::move(kind.name),
          .default_text = std::move(default_text),
          .meaning = std::move(meaning),
          .effect = traits.effect,
          .is_required = traits.is_required,
          .read = read,
          .print = print,
          .copy = [access](Owner& to, const Owner& from) {
            access(to) = access(const_cast<Owner&>(from));
          }};
}

template <class Item>
PrintedTable print_item(const std::vector<Option<Item>>& options, const Item& item) {
  PrintedTable table;
  for (const Option<Item>& option : options) {
    if (std::string value = option.print(item); !value.empty())
      table.emplace_back(option.key, std::move(value));
  }
  return table;
}

template <class Item>
std::vector<Complaint> read_item(const std::vector<Option<Item>>& options, Item& item,
                                 const Table& table, Place place) {
  std::vector<Complaint> complaints;
  for (const Option<Item>& option : options) {
    if (const Entry* entry = table.find(option.key); entry != nullptr) {
      std::ranges::move(option.read(item, entry->node), std::back_inserter(complaints));
    } else if (option.is_required) {
      complaints.push_back(
          {place, fmt::format("\"{}\" is missing; add {} = …", option.key, option.key)});
    }
  }
  return complaints;
}

template <class Item>
ListSection list_section(std::string key, std::vector<Item> Config::* items,
                         std::vector<Option<Item>> options, std::string meaning) {
  ListSection section{
      .key = std::move(key), .meaning = std::move(meaning), .keys = {}, .read = {}, .print = {}};
  for (const Option<Item>& option : options) {
    section.keys.push_back({option.key, option.kind, option.default_text, option.meaning,
                            option.effect, option.is_required});
  }
  section.read = [options, items](Config& config, const Table& table, Place place) {
    Item item;
    auto complaints = read_item(options, item, table, place);
    // Kept even if wrong, so that the elements keep their numbers and the checks of the whole see
    // its name.
    (config.*items).push_back(std::move(item));
    return complaints;
  };
  section.print = [options, items](const Config& config) {
    std::vector<PrintedTable> tables;
    for (const Item& item : config.*items) tables.push_back(print_item(options, item));
    return tables;
  };
  return section;
}
// NOLINTEND(performance-unnecessary-value-param)

// [[source]], [[pool]] and the like.
std::vector<ListSection> list_sections();

}  // namespace mailweir::config

#define WEIR_MEMBER(path) [](auto& owner) -> auto& { return owner.path; }
