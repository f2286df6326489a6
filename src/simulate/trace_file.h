// A recorded load: one line a message, "SECONDS,CLASS,DOMAIN", in the order of time.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "config/load_config.h"
#include "simulate/scenario.h"

namespace mailweir::simulate {

// A first line that begins with a letter is a heading. The problem has the line's place.
std::expected<std::vector<Workload::Arrival>, config::Problem> parse_trace(std::string_view text,
                                                                           std::string name);

}  // namespace mailweir::simulate
