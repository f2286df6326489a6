// Kinds of values that only scenarios have.
#pragma once

#include <string>

#include "config/value_kind.h"
#include "simulate/scenario.h"

namespace mailweir::simulate::kinds {

config::Kind<std::string> clock_time();    // "17:03"
config::Kind<Duration> time_of_day();      // the same, as a span
config::Kind<Duration> signed_duration();  // "-1h"
config::Kind<double> share(double most);   // 0 to `most`
config::Kind<Mix> mix();                   // { notice = 0.2, bulk = 0.8 }
config::Kind<std::string> label();         // of a provider: it becomes part of domains
config::Kind<std::vector<std::uint16_t>> host_numbers();  // from 1; kept from 0

}  // namespace mailweir::simulate::kinds
