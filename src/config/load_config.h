// Reading configuration: one TOML file and the files of `conf.d` beside it, in the order of their
// names, read as one document.
//
// Either a complete, checked Config, or every problem found, each with its place, the line it
// stands in, and how to repair it. Nothing here looks anything up on the network.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace mailweir::config {

struct Problem {
  std::string file;          // as given; empty: the configuration as a whole
  std::uint32_t line = 0;    // from 1; 0: the file as a whole
  std::uint32_t column = 0;  // from 1, in characters
  std::string message;       // "what is wrong; how to repair it"
  std::string excerpt;       // the line, without its end
  friend bool operator==(const Problem&, const Problem&) = default;
};

// "mailweir.toml:14:9: unknown key …" and the line with a caret below it; no newline at the end.
std::string to_string(const Problem& problem);

struct Loaded {
  Config config;
  std::vector<Problem> warnings;   // it works, but probably not as meant
  std::vector<std::string> files;  // what was read; empty: the embedded defaults
};

using LoadResult = std::expected<Loaded, std::vector<Problem>>;

// One file's text under the name that problems give it.
struct SourceText {
  std::string name;
  std::string text;
};

// Reads `file`, which must exist, and `conf.d/*.toml` in its folder; checks also that the files it
// names can be read.
LoadResult load_config(const std::filesystem::path& file);

// Without any file: the embedded defaults.
LoadResult load_default_config();

// The pure part: no file is touched, the host's name is an argument.
LoadResult parse_config(const std::vector<SourceText>& sources, const std::string& system_hostname);

// The name of this host as the system knows it; "localhost" when it has none.
std::string system_hostname();

}  // namespace mailweir::config
