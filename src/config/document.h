// A Document is a configuration text as a tree of values, each with its place: what all else here
// reads, so that only document.cc knows the TOML library.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mailweir::config {

struct Place {
  std::uint32_t source = 0;  // index of the text
  std::uint32_t line = 0;    // from 1; 0: the text as a whole
  std::uint32_t column = 0;  // from 1, in characters
  friend bool operator==(const Place&, const Place&) = default;
};

// What is wrong, where; the message ends with the remedy.
struct Complaint {
  Place place;
  std::string message;
};

struct Node;
struct Entry;

struct Table {
  std::vector<Entry> entries;  // in the order of their keys

  const Entry* find(std::string_view key) const;
};

using Array = std::vector<Node>;

// A value of a kind that no option takes (dates and times, tables nested too deep).
struct Unusable {};

struct Node {
  std::variant<Unusable, std::string, std::int64_t, double, bool, Array, Table> value;
  Place place;

  const Table* table() const { return std::get_if<Table>(&value); }
  const Array* array() const { return std::get_if<Array>(&value); }
  // An array that may continue in another file: `[[source]]`.
  bool is_list_of_tables() const;
};

struct Entry {
  std::string key;
  Place place;  // of the key
  Node node;
};

// "a string", "a whole number", …
std::string_view kind_of(const Node& node);

// Texts longer than this, or with longer lines, are refused: no one wrote them by hand.
inline constexpr std::size_t text_size_max = 1 << 20;
inline constexpr std::size_t line_size_max = 4096;

std::expected<Table, Complaint> parse_document(std::string_view text, std::uint32_t source);

// Adds `more` to `document`: tables are united, lists of tables appended; a key that is in both is
// a complaint naming both places, `source_names` giving the texts' names.
void unite(Table& document, Table more, const std::vector<std::string>& source_names,
           std::vector<Complaint>& complaints);

}  // namespace mailweir::config
