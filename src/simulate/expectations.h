// Which expectations of a scenario a run has not met.
#pragma once

#include <string>
#include <vector>

#include "simulate/result.h"
#include "simulate/scenario.h"

namespace mailweir::simulate {

// One sentence each, with what was expected and what was found.
std::vector<std::string> unmet_expectations(const Scenario& scenario, const RunResult& result);

}  // namespace mailweir::simulate
