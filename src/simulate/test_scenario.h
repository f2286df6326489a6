// Scenarios written by hand, for tests.
#pragma once

#include <string>

#include "simulate/run.h"

namespace mailweir::simulate {

// One source, one provider "big" with the personality, one class "bulk", one workload of `rate` for
// `length`.
Scenario small_scenario(const std::string& personality = "plain",
                        Duration length = std::chrono::minutes(10),
                        Rate rate = {2, std::chrono::seconds(1)});

// Plays it with the standard cast; a failure to play fails the test.
RunResult play(const Scenario& scenario, std::uint64_t seed = 1, std::string* log = nullptr);

}  // namespace mailweir::simulate
