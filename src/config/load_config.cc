#include "config/load_config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <system_error>
#include <tuple>

#include "base/nearest_name.h"
#include "config/check_config.h"
#include "config/contains.h"
#include "config/document.h"
#include "config/option_table.h"
#include "config/value_kind.h"
#include "mail/mailbox.h"

namespace mailweir::config {
namespace {

namespace fs = std::filesystem;

std::string joined(std::string_view table, std::string_view key) {
  return table.empty() ? std::string(key) : fmt::format("{}.{}", table, key);
}

// Turns a united document into a Config, remembering where each key stood.
class Reading {
 public:
  explicit Reading(const Table& document) : document_(document) {}

  void run() {
    for (const Option<Config>& option : option_table().options) read_option(option);
    for (const ListSection& list : option_table().lists) read_list(list);
    find_unknown(document_, "");
  }

  Config config;
  Places places;
  std::vector<Complaint> complaints;

 private:
  void read_option(const Option<Config>& option);
  void read_list(const ListSection& list);
  void read_element(const ListSection& list, const Table& table, const std::string& key,
                    Place place);
  void find_unknown(const Table& table, const std::string& prefix);
  void find_unknown_in(const ListSection& list, const Entry& entry);
  void complain_unknown(const Entry& entry, std::string_view shown_table,
                        const std::vector<std::string_view>& known);
  const Entry* find(std::string_view key) const;
  void keep(std::vector<Complaint> more) {
    std::ranges::move(more, std::back_inserter(complaints));
  }

  const Table& document_;
};

const Entry* Reading::find(std::string_view key) const {
  const Table* table = &document_;
  for (std::size_t dot = key.find('.'); dot != std::string_view::npos; dot = key.find('.')) {
    const Entry* entry = table->find(key.substr(0, dot));
    table = entry == nullptr ? nullptr : entry->node.table();
    if (table == nullptr) return nullptr;
    key.remove_prefix(dot + 1);
  }
  return table->find(key);
}

void Reading::read_option(const Option<Config>& option) {
  const Entry* entry = find(option.key);
  if (entry == nullptr) return;
  places.add(option.key, entry->place);
  std::vector<Complaint> found = option.read(config, entry->node);
  if (!found.empty()) places.mark_unreadable(option.key);
  keep(std::move(found));
}

void Reading::read_list(const ListSection& list) {
  const Entry* entry = find(list.key);
  if (entry == nullptr) return;
  places.add(list.key, entry->place);
  if (!entry->node.is_list_of_tables()) {
    places.mark_unreadable(list.key + "[");
    complaints.push_back(
        {entry->place,
         fmt::format("\"{}\" is a list of tables; write each as [[{}]]", list.key, list.key)});
    return;
  }
  std::size_t number = 0;
  for (const Node& element : *entry->node.array()) {
    read_element(list, *element.table(), fmt::format("{}[{}]", list.key, number++), element.place);
  }
}

void Reading::read_element(const ListSection& list, const Table& table, const std::string& key,
                           Place place) {
  places.add(key, place);
  std::vector<Complaint> found = list.read(config, table, place);
  for (const Entry& entry : table.entries) {
    const std::string full = joined(key, entry.key);
    places.add(full, entry.place);
    const auto is_within = [&](const Complaint& complaint) {
      const Array* parts = entry.node.array();
      return complaint.place == entry.node.place ||
             (parts != nullptr && contains(*parts, complaint.place, &Node::place));
    };
    if (std::ranges::any_of(found, is_within)) places.mark_unreadable(full);
  }
  // A missing key leaves the element without it; what refers to it must not be complained of as
  // well.
  if (!found.empty()) places.mark_unreadable(key + ".");
  keep(std::move(found));
}

// The next part of each known key below `prefix`.
std::vector<std::string_view> keys_below(std::string_view prefix) {
  std::vector<std::string_view> keys;
  const auto add = [&](std::string_view key) {
    if (!prefix.empty() &&
        !(key.starts_with(prefix) && key.size() > prefix.size() && key[prefix.size()] == '.'))
      return;
    std::string_view rest = key.substr(prefix.empty() ? 0 : prefix.size() + 1);
    rest = rest.substr(0, rest.find('.'));
    if (!rest.empty() && !contains(keys, rest)) keys.push_back(rest);
  };
  for (const Option<Config>& option : option_table().options) add(option.key);
  for (const ListSection& list : option_table().lists) add(list.key);
  return keys;
}

// The other tables that have a key of this name.
std::vector<std::string> tables_with(std::string_view key) {
  std::vector<std::string> tables;
  for (const Option<Config>& option : option_table().options) {
    if (key_in_table(option.key) != key) continue;
    const std::string_view table = table_of(option.key);
    tables.push_back(table.empty() ? "above the first table" : fmt::format("into [{}]", table));
  }
  for (const ListSection& list : option_table().lists) {
    if (contains(list.keys, key, &KeyDescription::key))
      tables.push_back(fmt::format("into [[{}]]", list.key));
  }
  return tables;
}

void Reading::complain_unknown(const Entry& entry, std::string_view shown_table,
                               const std::vector<std::string_view>& known) {
  const std::string where =
      shown_table.empty() ? std::string() : fmt::format(" in {}", shown_table);
  const std::string_view near = nearest_name(entry.key, known);
  const std::vector<std::string> elsewhere = tables_with(entry.key);
  std::string remedy;
  if (!near.empty()) {
    remedy = fmt::format("did you mean \"{}\"?", near);
  } else if (!elsewhere.empty()) {
    remedy = fmt::format("it belongs {}", fmt::join(elsewhere, " or "));
  } else {
    remedy = fmt::format("known are: {}", fmt::join(known, ", "));
  }
  complaints.push_back(
      {entry.place, fmt::format("unknown key {}{}; {}", quote(entry.key), where, remedy)});
}

void Reading::find_unknown_in(const ListSection& list, const Entry& entry) {
  if (!entry.node.is_list_of_tables()) return;
  std::vector<std::string_view> known;
  for (const KeyDescription& key : list.keys) known.push_back(key.key);
  for (const Node& element : *entry.node.array()) {
    for (const Entry& inner : element.table()->entries) {
      if (!contains(known, inner.key))
        complain_unknown(inner, fmt::format("[[{}]]", list.key), known);
    }
  }
}

void Reading::find_unknown(const Table& table, const std::string& prefix) {
  const std::vector<std::string_view> known = keys_below(prefix);
  for (const Entry& entry : table.entries) {
    const std::string full = joined(prefix, entry.key);
    // A quoted key with dots in it is not the path it looks like.
    if (!contains(known, std::string_view(entry.key))) {
      complain_unknown(entry, prefix.empty() ? "" : fmt::format("[{}]", prefix), known);
    } else if (contains(option_table().options, full, &Option<Config>::key)) {
      continue;
    } else if (const auto list = std::ranges::find(option_table().lists, full, &ListSection::key);
               list != option_table().lists.end()) {
      find_unknown_in(*list, entry);
    } else if (entry.node.table() != nullptr) {
      find_unknown(*entry.node.table(), full);
    } else {
      complaints.push_back(
          {entry.place,
           fmt::format("\"{}\" is a table; write [{}] with its keys below", full, full)});
    }
  }
}

std::string line_of(std::string_view text, std::uint32_t line) {
  for (std::uint32_t i = 1; i < line; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  constexpr std::size_t excerpt_max = 200;
  return std::string(text.substr(0, excerpt_max));
}

std::vector<Problem> problems(std::vector<Complaint> complaints,
                              const std::vector<SourceText>& sources) {
  std::ranges::sort(complaints, {}, [](const Complaint& complaint) {
    const Place& place = complaint.place;
    return std::tuple(place.source, place.line, place.column, std::string_view(complaint.message));
  });
  std::vector<Problem> out;
  for (Complaint& complaint : complaints) {
    const Place place = complaint.place;
    Problem problem{.file = {},
                    .line = place.line,
                    .column = place.column,
                    .message = std::move(complaint.message),
                    .excerpt = {}};
    if (place.source < sources.size()) {
      problem.file = sources[place.source].name;
      if (place.line > 0) problem.excerpt = line_of(sources[place.source].text, place.line);
    }
    out.push_back(std::move(problem));
  }
  return out;
}

// The texts as one document.
Table unite_all(const std::vector<SourceText>& sources, std::vector<Complaint>& complaints) {
  std::vector<std::string> names;
  for (const SourceText& source : sources) names.push_back(source.name);
  Table document;
  for (std::uint32_t i = 0; i < sources.size(); ++i) {
    auto parsed = parse_document(sources[i].text, i);
    if (parsed) {
      unite(document, std::move(*parsed), names, complaints);
    } else {
      complaints.push_back(std::move(parsed.error()));
    }
  }
  return document;
}

using FileCheck = std::vector<Complaint> (*)(const Config&, const Places&);

LoadResult parse_and_check(const std::vector<SourceText>& sources, const std::string& hostname,
                           FileCheck check_files_of) {
  std::vector<Complaint> complaints;
  const Table document = unite_all(sources, complaints);
  if (!complaints.empty()) return std::unexpected(problems(std::move(complaints), sources));
  Reading reading(document);
  reading.run();
  complete(reading.config, hostname);
  Findings findings = check_config(reading.config, reading.places);
  std::ranges::move(reading.complaints, std::back_inserter(findings.errors));
  if (check_files_of != nullptr) {
    std::ranges::move(check_files_of(reading.config, reading.places),
                      std::back_inserter(findings.errors));
  }
  if (!findings.errors.empty())
    return std::unexpected(problems(std::move(findings.errors), sources));
  Loaded loaded{.config = std::move(reading.config),
                .warnings = problems(std::move(findings.warnings), sources),
                .files = {}};
  for (const SourceText& source : sources) loaded.files.push_back(source.name);
  return loaded;
}

Problem unreadable(const fs::path& file, std::string_view reason) {
  return {.file = file.string(),
          .line = 0,
          .column = 0,
          .message = fmt::format(
              "cannot be read: {}; correct the path, or let the server's user read it", reason),
          .excerpt = {}};
}

std::expected<SourceText, Problem> read_file(const fs::path& file) {
  std::error_code error;
  if (fs::is_directory(file, error)) return std::unexpected(unreadable(file, "it is a folder"));
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf()) || stream.bad()) {
    // An empty file makes << fail although nothing is wrong.
    if (!stream.is_open())
      return std::unexpected(unreadable(file, std::generic_category().message(errno)));
  }
  return SourceText{.name = file.string(), .text = text.str()};
}

// `conf.d/*.toml` beside the file, in the order of their names.
std::vector<fs::path> extra_files(const fs::path& file) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(file.parent_path() / "conf.d", error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() == ".toml") files.push_back(it->path());
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

std::string to_string(const Problem& problem) {
  if (problem.file.empty()) return problem.message;
  if (problem.line == 0) return fmt::format("{}: {}", problem.file, problem.message);
  std::string out =
      fmt::format("{}:{}:{}: {}", problem.file, problem.line, problem.column, problem.message);
  if (problem.excerpt.empty()) return out;
  const std::string number = fmt::format("{:>5}", problem.line);
  out += fmt::format("\n{} | {}\n{:>5} | ", number, problem.excerpt, "");
  // A tab stays a tab, so that the caret lands below its character; bytes that continue one take no
  // room.
  std::uint32_t column = 1;
  for (const char c : problem.excerpt) {
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) continue;
    if (column++ >= problem.column) break;
    out += c == '\t' ? '\t' : ' ';
  }
  return out + '^';
}

LoadResult parse_config(const std::vector<SourceText>& sources,
                        const std::string& system_hostname) {
  return parse_and_check(sources, system_hostname, nullptr);
}

LoadResult load_config(const std::filesystem::path& file) {
  std::vector<fs::path> files = {file};
  std::ranges::move(extra_files(file), std::back_inserter(files));
  std::vector<SourceText> sources;
  std::vector<Problem> found;
  for (const fs::path& path : files) {
    auto source = read_file(path);
    if (source) {
      sources.push_back(std::move(*source));
    } else {
      found.push_back(std::move(source.error()));
    }
  }
  if (!found.empty()) return std::unexpected(std::move(found));
  return parse_and_check(sources, system_hostname(), check_files);
}

LoadResult load_default_config() {
  return parse_config({}, system_hostname());
}

std::string system_hostname() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return normalize_domain(name.data(), AddressCharset::ascii).value_or("localhost");
}

}  // namespace mailweir::config
