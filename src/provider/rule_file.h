// The rules and limits of a provider file (docs/providers.md).
#pragma once

#include <vector>

#include "provider/rule.h"
#include "provider/toml_reader.h"

namespace mailweir::provider {

// `table` is the file, `key` that of its provider: names of rules begin with it.
Result<std::vector<Rule>> read_rules(const toml::table& table, const std::string& key,
                                     const TomlReader& reader);
Result<std::vector<Limit>> read_limits(const toml::table& table, const TomlReader& reader);

}  // namespace mailweir::provider
