#include "config/document.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <utility>

namespace mailweir::config {
namespace {

constexpr int depth_max = 8;  // of tables and arrays; no option lies deeper than 3

Place place_of(const toml::source_region& region, std::uint32_t source) {
  return {.source = source, .line = region.begin.line, .column = region.begin.column};
}

Node convert(const toml::node& node, std::uint32_t source, int depth);

Table convert_table(const toml::table& table, std::uint32_t source, int depth) {
  Table out;
  for (const auto& [key, value] : table) {
    out.entries.push_back({.key = std::string(key.str()),
                           .place = place_of(key.source(), source),
                           .node = convert(value, source, depth + 1)});
  }
  return out;
}

Node convert(const toml::node& node, std::uint32_t source, int depth) {
  Node out{.value = Unusable{}, .place = place_of(node.source(), source)};
  if (depth > depth_max) return out;
  if (const auto* table = node.as_table()) {
    out.value = convert_table(*table, source, depth);
  } else if (const auto* array = node.as_array()) {
    Array elements;
    for (const toml::node& element : *array)
      elements.push_back(convert(element, source, depth + 1));
    out.value = std::move(elements);
  } else if (const auto* text = node.as_string()) {
    out.value = text->get();
  } else if (const auto* whole = node.as_integer()) {
    out.value = whole->get();
  } else if (const auto* real = node.as_floating_point()) {
    out.value = real->get();
  } else if (const auto* flag = node.as_boolean()) {
    out.value = flag->get();
  }
  return out;
}

std::string describe(Place place, const std::vector<std::string>& source_names) {
  return fmt::format("{}:{}:{}", source_names.at(place.source), place.line, place.column);
}

// The library recurses once for each part of a dotted key, so a line must not be long without
// limit.
std::expected<void, Complaint> check_size(std::string_view text, std::uint32_t source) {
  if (text.size() > text_size_max) {
    return std::unexpected(
        Complaint{{source, 0, 0}, "larger than 1 MiB; split it into files of conf.d"});
  }
  std::uint32_t line = 1;
  for (std::size_t start = 0; start < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    if (end - start > line_size_max) {
      return std::unexpected(
          Complaint{{source, line, 1}, "the line is longer than 4096 bytes; split it"});
    }
    start = end + 1;
  }
  return {};
}

}  // namespace

const Entry* Table::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &*found;
}

bool Node::is_list_of_tables() const {
  const Array* elements = array();
  return elements != nullptr && !elements->empty() &&
         std::ranges::all_of(*elements,
                             [](const Node& element) { return element.table() != nullptr; });
}

std::string_view kind_of(const Node& node) {
  switch (node.value.index()) {
    case 1:
      return "a string";
    case 2:
      return "a whole number";
    case 3:
      return "a number with a fraction";
    case 4:
      return "true or false";
    case 5:
      return "a list";
    case 6:
      return "a table";
    default:
      return "a date, a time or something nested too deep";
  }
}

std::expected<Table, Complaint> parse_document(std::string_view text, std::uint32_t source) {
  if (const auto size = check_size(text, source); !size) return std::unexpected(size.error());
  try {
    return convert_table(toml::parse(text), source, 0);
  } catch (const toml::parse_error& error) {
    return std::unexpected(Complaint{
        place_of(error.source(), source),
        fmt::format("not TOML: {}; see https://toml.io for the syntax", error.description())});
  }
}

void unite(Table& document, Table more, const std::vector<std::string>& source_names,
           std::vector<Complaint>& complaints) {
  for (Entry& entry : more.entries) {
    const auto present = std::ranges::find(document.entries, entry.key, &Entry::key);
    if (present == document.entries.end()) {
      document.entries.push_back(std::move(entry));
    } else if (present->node.table() != nullptr && entry.node.table() != nullptr) {
      unite(std::get<Table>(present->node.value), std::move(std::get<Table>(entry.node.value)),
            source_names, complaints);
    } else if (present->node.is_list_of_tables() && entry.node.is_list_of_tables()) {
      auto& elements = std::get<Array>(present->node.value);
      std::ranges::move(std::get<Array>(entry.node.value), std::back_inserter(elements));
    } else {
      complaints.push_back(
          {entry.place, fmt::format("\"{}\" is set twice, first at {}; remove one of them",
                                    entry.key, describe(present->place, source_names))});
    }
  }
}

}  // namespace mailweir::config
