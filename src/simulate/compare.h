// Several senders in the same scenarios, side by side: what `mailweir simulate --compare` prints.
#pragma once

#include <span>
#include <string>

#include "simulate/report.h"
#include "simulate/result.h"

namespace mailweir::simulate {

// Runs are grouped by scenario in the order they come; each row is one sender. The share of the
// oracle is 100 % less the regret.
std::string comparison_table(std::span<const RunResult> runs, ReportLanguage language);
// Whether all kept the rules, and `mailweir` met what is expected. A baseline may do badly: that is
// what it is there to show.
bool comparison_passed(std::span<const RunResult> runs);
// One line of JSON: {"runs": [{"scenario", "sender", "seed", …}]}; times in seconds, null for none.
std::string comparison_json(std::span<const RunResult> runs);

}  // namespace mailweir::simulate
