// The report of a run for people: one HTML file with everything in it. No script, no resource from
// elsewhere; English and Japanese in the same file, light and dark as the reader's system is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "simulate/result.h"

namespace mailweir::simulate {

enum class ReportLanguage : std::uint8_t { english, japanese };  // shown at first

// `scenario_text` is the scenario's file, shown at the end. Pure: the same run gives the same
// bytes.
std::string html_report(const RunResult& run, std::string_view scenario_text, ReportLanguage first);

}  // namespace mailweir::simulate
