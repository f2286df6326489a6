#include "simulate/expectations.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/units.h"
#include "simulate/figures.h"

namespace mailweir::simulate {
namespace {

class Judge {
 public:
  Judge(std::string scope, std::vector<std::string>& unmet)
      : scope_(std::move(scope)), unmet_(unmet) {}

  void at_most(std::string_view what, const std::optional<Duration>& bar, Duration found) {
    if (!bar || found <= *bar) return;
    complain(what, duration_text(found), "at most", to_string(*bar));
  }
  void at_most(std::string_view what, const std::optional<double>& bar, double found) {
    if (!bar || found <= *bar) return;
    complain(what, fmt::format("{:.2f}", found), "at most", fmt::format("{}", *bar));
  }
  void at_most(std::string_view what, const std::optional<std::uint64_t>& bar,
               std::uint64_t found) {
    if (!bar || found <= *bar) return;
    complain(what, fmt::format("{}", found), "at most", fmt::format("{}", *bar));
  }
  void at_least(std::string_view what, const std::optional<double>& bar, double found) {
    if (!bar || found >= *bar) return;
    complain(what, fmt::format("{:.5f}", found), "at least", fmt::format("{}", *bar));
  }
  void complain(std::string_view what, const std::string& found, std::string_view how,
                const std::string& bar) {
    unmet_.push_back(fmt::format("{}{} is {}, expected {} {}", scope_, what, found, how, bar));
  }

 private:
  std::string scope_;
  std::vector<std::string>& unmet_;
};

void judge(const Expectation& wanted, const Counts& counts, const Delays& delays, Judge& judge) {
  judge.at_most("delay_p50", wanted.delay_p50_max, delays.p50);
  judge.at_most("delay_p99", wanted.delay_p99_max, delays.p99);
  judge.at_most("delay_max", wanted.delay_max, delays.max);
  const double share = counts.accepted == 0 ? 1
                                            : static_cast<double>(counts.delivered) /
                                                  static_cast<double>(counts.accepted);
  judge.at_least("delivered_share", wanted.delivered_share_min, share);
}

void judge_run(const Expectation& wanted, const RunResult& result, Judge& judge) {
  const Measures& measures = result.measures;
  judge.at_most("wasted_per_1000", wanted.wasted_per_1000_max, measures.wasted_per_1000);
  // Where the oracle could deliver nothing, there is nothing to regret.
  judge.at_most("regret_percent", wanted.regret_percent_max, measures.regret_percent.value_or(0));
  judge.at_most("trips", wanted.trips_max, measures.trips);
  judge.at_most("healthy_burns", wanted.healthy_burns_max, measures.healthy_burns);
  if (!wanted.drained_within) return;
  if (result.drained_after) {
    judge.at_most("drained_after", wanted.drained_within, *result.drained_after);
  } else {
    judge.complain("drained_after", "never", "at most", to_string(*wanted.drained_within));
  }
}

}  // namespace

std::vector<std::string> unmet_expectations(const Scenario& scenario, const RunResult& result) {
  std::vector<std::string> unmet;
  for (const Expectation& wanted : scenario.expectations) {
    if (wanted.message_class.empty()) {
      Judge whole_run("", unmet);
      judge(wanted, result.counts, result.delays, whole_run);
      judge_run(wanted, result, whole_run);
      continue;
    }
    const auto found = std::ranges::find(result.classes, wanted.message_class, &ClassResult::name);
    if (found == result.classes.end()) continue;
    Judge of_class(fmt::format("class \"{}\": ", wanted.message_class), unmet);
    judge(wanted, found->counts, found->delays, of_class);
  }
  return unmet;
}

}  // namespace mailweir::simulate
