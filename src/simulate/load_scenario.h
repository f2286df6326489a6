// Reading a scenario: a complete, checked Scenario, or every problem found, each with its place and
// how to repair it. docs/simulator.md describes the file.
#pragma once

#include <expected>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/load_config.h"
#include "simulate/scenario.h"

namespace mailweir::simulate {

using ScenarioResult = std::expected<Scenario, std::vector<config::Problem>>;

// Reads the file, and the traces it names, which lie beside it.
ScenarioResult load_scenario(const std::filesystem::path& file);

// The pure part. `read_file` gives the text of a trace.
ScenarioResult parse_scenario(
    const config::SourceText& source,
    const std::function<Result<std::string>(const std::string& path)>& read_file);

}  // namespace mailweir::simulate
