// How well a PathController finds hidden limits: a day of mail against each receiver, as a share of
// what a sender delivers who knows them (docs/pacing.md).
//
//   pacing_lab [--only NAME] [--load w60|w95|w150] [--seeds N] [--first-seed N] [--start-rate R]
//              [--random DRAWS [--draw N]] [--no-standard] [--trace]
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "pacing_lab_day.h"

namespace mailweir::lab {
namespace {

struct Options {
  std::string only;
  std::string load;
  int seeds = 3;
  int first_seed = 1;
  double start_rate = 5.0;
  double rate = 0.5;
  int random = 200;
  bool standard = true;
  int draw = -1;  // only this one of the random draws
  bool traces = false;
};

struct Row {
  std::string name;
  std::string load;
  double share = 0;  // of the ideal area, percent
  double least_share = 1e9;
  double wasted = 0;  // per 1,000 delivered
  double trips = 0;
  double held = 0;
  double urgent_p99 = 0;
  double ideal_p99 = 0;
  double ns = 0;
};

Row run_cell(std::string_view name, const Load& load, const Options& options) {
  Row row{.name = std::string(name), .load = std::string(load.name)};
  const double n = options.seeds;
  for (int i = 0; i < options.seeds; ++i) {
    const auto seed = static_cast<std::uint64_t>(options.first_seed + i);
    Case for_ideal = make_case(name, load, seed, Constants());
    const Figures ideal = run_ideal(for_ideal);
    Case c = make_case(name, load, seed, Constants());
    const Figures f = run_learning(c, options.traces);
    const double share = 100.0 * f.area / ideal.area;
    row.share += share / n;
    row.least_share = std::min(row.least_share, share);
    row.wasted += 1e3 * static_cast<double>(f.wasted) /
                  static_cast<double>(std::max<std::uint64_t>(1, f.delivered)) / n;
    row.trips += static_cast<double>(f.trips) / n;
    row.held += 100.0 * f.held_share / n;
    row.urgent_p99 += f.p99[0] / n;
    row.ideal_p99 += ideal.p99[0] / n;
    row.ns += f.controller_ns / n;
  }
  return row;
}

void print(const Row& row) {
  fmt::print("{:12} {:5} {:6.1f} {:6.1f} {:8.2f} {:6.1f} {:6.2f} {:8.0f} {:8.0f} {:5.0f}\n",
             row.name, row.load, row.share, row.least_share, row.wasted, row.trips, row.held,
             row.urgent_p99, row.ideal_p99, row.ns);
  std::fflush(stdout);
}

void bar(std::string_view claim, bool holds, const std::string& measured) {
  fmt::print("{} {}: {}\n", holds ? "holds " : "MISSES", claim, measured);
}

bool is_partial(std::string_view name) {
  return name == "partial50" || name == "partial-exo" || name == "incident";
}

// The limit is met, or something happens, even at 60 % load.
bool is_touched(std::string_view name) {
  return name == "pen-forced" || name == "partial-exo" || name == "diurnal" || name == "silent" ||
         name == "step" || name == "conc5";
}

const Row* find(const std::vector<Row>& rows, std::string_view name) {
  const auto found = std::ranges::find(rows, name, &Row::name);
  return found == rows.end() ? nullptr : &*found;
}

void judge_standard(const std::vector<Row>& rows) {
  std::string missed;
  for (const Row& row : rows) {
    if (row.load == "w60" && !is_touched(row.name) && (row.share < 99.5 || row.wasted > 0))
      missed += fmt::format(" {} {:.1f}/{:.2f}", row.name, row.share, row.wasted);
  }
  bar("w60, where the limit is not touched: >= 99.5 %, nothing wasted", missed.empty(), missed);
  for (const std::string_view load : {"w95", "w150"}) {
    int good = 0;
    std::string low, wasted;
    for (const Row& row : rows) {
      if (row.load != load) continue;
      good += row.share >= 95.0 ? 1 : 0;
      if (row.share < 88.0) low += fmt::format(" {} {:.1f}", row.name, row.share);
      if (row.wasted > (is_partial(row.name) ? 20 : 3))
        wasted += fmt::format(" {} {:.1f}", row.name, row.wasted);
    }
    bar(fmt::format("{}: >= 95 % on 12 of 14", load), good >= 12, fmt::format("{}", good));
    bar(fmt::format("{}: >= 88 % on the rest", load), low.empty(), low);
    bar(fmt::format("{}: <= 3 per 1,000 wasted (20 where half is refused)", load), wasted.empty(),
        wasted);
  }
  for (const Row& row : rows) {
    if (row.name == "noise" && row.load == "w95")
      bar("noise only: 100 %, never held", row.share > 99.5 && row.held == 0 && row.trips == 0,
          fmt::format("{:.1f} %, {:.2f} % held", row.share, row.held));
  }
}

void judge_special(const std::vector<Row>& rows) {
  struct Bar {
    std::string_view name;
    double share;
    double wasted;
  };
  for (const Bar& wanted :
       {Bar{"incident", 90, 20}, Bar{"broadcast", 95, 5}, Bar{"silent3", 99, 1e9},
        Bar{"warm-good", 75, 1e9}, Bar{"warm-bad", 40, 1e9}}) {
    const Row* row = find(rows, wanted.name);
    if (row == nullptr) continue;
    bar(fmt::format("{}: >= {} %{}", wanted.name, wanted.share,
                    wanted.wasted < 1e9 ? fmt::format(", <= {} per 1,000", wanted.wasted) : ""),
        row->share >= wanted.share && row->wasted <= wanted.wasted,
        fmt::format("{:.1f} %, {:.1f} per 1,000", row->share, row->wasted));
  }
}

void print_parameters(const world::ReceiverSpec& receiver) {
  for (const world::ParameterView& view : world::list_parameters(receiver)) {
    if (view.name.starts_with("penalty") || view.name.starts_with("bucket"))
      fmt::print("  {} = {}\n", view.name, view.value);
  }
}

void run_random(const Options& options) {
  struct Draw {
    double share;
    std::string text;
  };
  std::vector<Draw> draws;
  for (int i = 0; i < options.random; ++i) {
    const std::string_view name = standard_cases[static_cast<std::size_t>(i) % 14];
    if (!options.only.empty() && name != options.only) continue;
    if (options.draw >= 0 && i != options.draw) continue;
    const Load load{.name = i / 14 % 2 == 0 ? "w95" : "w150",
                    .rate = options.rate,
                    .start_rate = options.start_rate};
    const auto seed = static_cast<std::uint64_t>(options.first_seed * 1'000 + i);
    Case for_ideal = make_case(name, load, seed, Constants(seed));
    const Figures ideal = run_ideal(for_ideal);
    Case c = make_case(name, load, seed, Constants(seed));
    if (options.traces) print_parameters(c.receiver);
    const Figures f = run_learning(c, options.traces);
    const double share = 100.0 * f.area / ideal.area;
    const double wasted = 1e3 * static_cast<double>(f.wasted) /
                          static_cast<double>(std::max<std::uint64_t>(1, f.delivered));
    draws.push_back({share, fmt::format("{} {} draw {}: {:.1f} %, {:.1f} per 1,000, trips {}", name,
                                        load.name, i, share, wasted, f.trips)});
  }
  if (draws.empty()) return;
  std::ranges::sort(draws, {}, &Draw::share);
  const double median = draws[draws.size() / 2].share;
  const double low = draws[draws.size() / 20].share;
  for (std::size_t i = 0; i < std::max<std::size_t>(12, draws.size() / 8) && i < draws.size(); ++i)
    fmt::print("  {}\n", draws[i].text);
  bar(fmt::format("{} draws, every constant x/÷3: median >= 95 %", draws.size()), median >= 95,
      fmt::format("{:.1f}", median));
  bar("... and the 5th percentile >= 80 %", low >= 80, fmt::format("{:.1f}", low));
}

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (name == "--trace") options.traces = true;
    if (name == "--no-standard") options.standard = false;
    if (i + 1 >= count) continue;
    const char* value = arguments[i + 1];
    if (name == "--only") options.only = value;
    if (name == "--load") options.load = value;
    if (name == "--seeds") options.seeds = std::atoi(value);
    if (name == "--first-seed") options.first_seed = std::atoi(value);
    if (name == "--random") options.random = std::atoi(value);
    if (name == "--start-rate") options.start_rate = std::atof(value);
    if (name == "--draw") options.draw = std::atoi(value);
    if (name == "--rate") options.rate = std::atof(value);
  }
  return options;
}

int run(const Options& options) {
  const auto began = std::chrono::steady_clock::now();
  fmt::print("{:12} {:5} {:>6} {:>6} {:>8} {:>6} {:>6} {:>8} {:>8} {:>5}\n", "receiver", "load",
             "auc %", "least", "wasted/k", "trips", "held %", "otp p99", "ideal", "ns");
  const auto wanted = [&](std::string_view name) {
    return options.only.empty() || options.only == name;
  };
  std::vector<Row> standard;
  std::vector<Row> special;
  for (const std::string_view name : standard_cases) {
    for (const std::string_view load : {"w60", "w95", "w150"}) {
      if (!options.standard || !wanted(name) || (!options.load.empty() && options.load != load))
        continue;
      standard.push_back(run_cell(
          name, {.name = load, .rate = options.rate, .start_rate = options.start_rate}, options));
      print(standard.back());
    }
  }
  for (const std::string_view name : special_cases) {
    if (!options.standard || !wanted(name) || !options.load.empty()) continue;
    special.push_back(run_cell(
        name, {.name = "-", .rate = options.rate, .start_rate = options.start_rate}, options));
    print(special.back());
  }
  if (options.only.empty() && options.load.empty()) judge_standard(standard);
  judge_special(special);
  run_random(options);
  fmt::print("{:.1f} s\n",
             std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  return 0;
}

}  // namespace
}  // namespace mailweir::lab

int main(int count, char** arguments) {
  return mailweir::lab::run(mailweir::lab::parse(count, arguments));
}
