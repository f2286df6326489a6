// The OptionTable holds every option once: its key, kind, default, meaning, and when a change takes
// effect. Reading, unknown keys, `config show`, the effect of a reload and docs/configuration.md
// all come from it.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/document.h"

namespace mailweir::config {

enum class Effect : std::uint8_t { on_reload, on_restart };

// An option of a table; Owner is Config, or the element of a list such as Source.
template <class Owner>
struct Option {
  std::string key;           // dotted: "smtp.listen"; in a list the bare key
  std::string kind;          // for a reader
  std::string default_text;  // for a reader; empty: none, the option must be given
  std::string meaning;
  Effect effect = Effect::on_reload;
  bool is_required = false;
  std::function<std::vector<Complaint>(Owner&, const Node&)> read;
  std::function<std::string(const Owner&)> print;  // as TOML; empty: absent
  std::function<void(Owner&, const Owner&)> copy;  // to, from
};

using PrintedTable =
    std::vector<std::pair<std::string, std::string>>;  // keys and their TOML values

// What a reader is told of an option, whoever owns it.
struct KeyDescription {
  std::string key;
  std::string kind;
  std::string default_text;
  std::string meaning;
  Effect effect = Effect::on_reload;
  bool is_required = false;
};

// A list of tables: `[[source]]`.
struct ListSection {
  std::string key;  // "source", "caps.for"
  std::string meaning;
  std::vector<KeyDescription> keys;
  // Appends one element read from its table; complains of wrong values and of missing keys, not of
  // unknown ones.
  std::function<std::vector<Complaint>(Config&, const Table&, Place)> read;
  std::function<std::vector<PrintedTable>(const Config&)> print;
};

struct TableSection {
  std::string key;  // "smtp"; empty: the top
  std::string meaning;
};

struct OptionTable {
  std::vector<TableSection> tables;  // in the order of the documentation
  std::vector<Option<Config>> options;
  std::vector<ListSection> lists;
};

// Built once, immutable.
const OptionTable& option_table();

// The table of a dotted key ("delivery.timeouts" of "delivery.timeouts.mail"), and the key in it.
std::string_view table_of(std::string_view key);
std::string_view key_in_table(std::string_view key);

}  // namespace mailweir::config
