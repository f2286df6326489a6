// The text form of a ProviderEntry (providers/README.md), and the files built into the program.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "provider/catalogue.h"

namespace mailweir::provider {

struct ProviderFile {
  std::string_view name;  // "providers/google.toml"
  std::string_view text;
};

// Sorted by name.
std::span<const ProviderFile> embedded_provider_files();

// Every error names file, line and column, shows the line, and says what to write instead.
Result<ProviderEntry> parse_provider_file(std::string_view toml, std::string_view file_name);

// The *.toml files of a folder, sorted by name. The error holds the refusal of every file that
// cannot be read, one after the other.
Result<std::vector<ProviderEntry>> read_provider_folder(const std::string& folder);

}  // namespace mailweir::provider
