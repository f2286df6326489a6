#include "config/diff_config.h"

#include <fmt/format.h>

#include <algorithm>

#include <string_view>

#include "config/contains.h"

namespace mailweir::config {
namespace {

std::string_view shown(const std::string& value) {
  return value.empty() ? "none" : std::string_view(value);
}

// `{ domain = "*", port = 25 }`
std::string in_one_line(const PrintedTable& table) {
  std::string text;
  for (const auto& [key, value] : table)
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", key, value);
  return "{ " + text + " }";
}

// The name, or all of it where elements have none.
std::string identity(const PrintedTable& table) {
  if (!table.empty() && table.front().first == "name") return table.front().second;
  return in_one_line(table);
}

std::string value_of(const PrintedTable& table, std::string_view key) {
  const auto found = std::ranges::find(
      table, key, [](const auto& entry) { return std::string_view(entry.first); });
  return found == table.end() ? std::string() : found->second;
}

class ListDiff {
 public:
  ListDiff(const ListSection& list, const Config& before, const Config& after,
           std::vector<Change>& changes)
      : list_(list), before_(list.print(before)), after_(list.print(after)), changes_(changes) {}

  void run() {
    if (before_ == after_) return;
    for (const PrintedTable& element : before_) {
      if (find(after_, identity(element)) == nullptr) say(element, "removed");
    }
    std::vector<std::string> kept_before;
    std::vector<std::string> kept_after;
    for (const PrintedTable& element : before_) {
      if (find(after_, identity(element)) != nullptr) kept_before.push_back(identity(element));
    }
    for (const PrintedTable& element : after_) {
      const PrintedTable* former = find(before_, identity(element));
      if (former == nullptr) {
        say(element, "added");
        continue;
      }
      kept_after.push_back(identity(element));
      compare(*former, element);
    }
    if (kept_before != kept_after)
      changes_.push_back({fmt::format("{}: in another order", list_.key), Effect::on_reload});
  }

 private:
  static const PrintedTable* find(const std::vector<PrintedTable>& tables,
                                  const std::string& name) {
    const auto found = std::ranges::find(tables, name, identity);
    return found == tables.end() ? nullptr : &*found;
  }

  void say(const PrintedTable& element, std::string_view what) {
    changes_.push_back(
        {fmt::format("{} {}: {}", list_.key, identity(element), what), Effect::on_reload});
  }

  void compare(const PrintedTable& former, const PrintedTable& element) {
    for (const KeyDescription& key : list_.keys) {
      const std::string old_value = value_of(former, key.key);
      const std::string new_value = value_of(element, key.key);
      if (old_value == new_value) continue;
      say(element, fmt::format("{} {} → {}", key.key, shown(old_value), shown(new_value)));
    }
  }

  const ListSection& list_;
  const std::vector<PrintedTable> before_;
  const std::vector<PrintedTable> after_;
  std::vector<Change>& changes_;
};

}  // namespace

std::vector<Change> diff_config(const Config& before, const Config& after) {
  std::vector<Change> changes;
  for (const Option<Config>& option : option_table().options) {
    const std::string old_value = option.print(before);
    const std::string new_value = option.print(after);
    if (old_value == new_value) continue;
    changes.push_back({fmt::format("{}: {} → {}", option.key, shown(old_value), shown(new_value)),
                       option.effect});
  }
  for (const ListSection& list : option_table().lists) ListDiff(list, before, after, changes).run();
  return changes;
}

std::vector<std::string> describe(const std::vector<Change>& changes) {
  std::vector<std::string> lines;
  for (const Change& change : changes) {
    lines.push_back(change.effect == Effect::on_restart
                        ? change.text + " (takes effect at the next start)"
                        : change.text);
  }
  return lines;
}

Config apply_reload(const Config& running, const Config& next) {
  Config applied = next;
  for (const Option<Config>& option : option_table().options) {
    if (option.effect == Effect::on_restart) option.copy(applied, running);
  }
  return applied;
}

}  // namespace mailweir::config
