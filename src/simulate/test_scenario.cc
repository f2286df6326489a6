#include "simulate/test_scenario.h"

#include <gtest/gtest.h>

namespace mailweir::simulate {

Scenario small_scenario(const std::string& personality, Duration length, Rate rate) {
  Scenario scenario;
  scenario.title = "small";
  scenario.length = length;
  scenario.engine.sources = {{"s1", "192.0.2.1", "", "out1.example.net"}};
  scenario.engine.pools = {{"main", {0}}};
  scenario.engine.classes = {{.name = "bulk", .expiry = std::chrono::hours(24)}};
  Provider provider;
  provider.name = "big";
  provider.receiver = world::find_personality(personality).value();
  provider.domains = 3;
  scenario.providers = {provider};
  Workload workload;
  workload.name = "steady";
  workload.rate = rate;
  scenario.workloads = {workload};
  return scenario;
}

RunResult play(const Scenario& scenario, std::uint64_t seed, std::string* log) {
  RunOptions options{.seed = seed};
  if (log != nullptr) options.events = [log](std::string_view piece) { *log += piece; };
  auto result = run(scenario, options);
  if (!result) {
    ADD_FAILURE() << result.error().context;
    return {};
  }
  return *std::move(result);
}

}  // namespace mailweir::simulate
