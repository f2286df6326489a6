// A run as `mailweir simulate` prints it: a page for people, or JSON.
#pragma once

#include <string>

#include "simulate/report.h"
#include "simulate/result.h"

namespace mailweir::simulate {

std::string run_text(const RunResult& run, ReportLanguage language);
// One line; times in seconds, null for none. docs/simulator.md lists the keys.
std::string run_json(const RunResult& run);

}  // namespace mailweir::simulate
