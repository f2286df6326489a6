#include "simulate/simulate_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "senders/make_sender.h"
#include "simulate/compare.h"
#include "simulate/load_scenario.h"
#include "simulate/print_run.h"
#include "simulate/report.h"
#include "simulate/run.h"

namespace mailweir::simulate {
namespace {

enum Exit : int { exit_ok = 0, exit_failure = 1, exit_usage = 2, exit_refused = 5 };

struct Options {
  std::vector<std::string> files;
  std::optional<std::uint64_t> seed;
  std::string report;
  std::string events;
  bool json = false;
  bool compare = false;
  bool help = false;
  ReportLanguage language = ReportLanguage::english;
};

constexpr std::string_view help_en =
    R"(Plays scenarios in virtual time: the server's own engine against receivers that throttle.

mailweir simulate FILE… [OPTIONS]

  --seed N        instead of the scenario's seed
  --report FILE   write a report with plots (HTML)
  --events FILE   write every event as a line; the same seed gives the same bytes
  --compare       play each scenario with every sender: mailweir and the baselines
  --json          print JSON
  --lang en|ja
  --help

The scenario file and the figures are described in docs/simulator.md. Exit code 0: passed; 1: a rule
was broken or an expectation not met (with --compare: a rule by any sender, an expectation by
mailweir), or a file could not be written; 2: the command line; 5: the scenario is wrong.
)";

constexpr std::string_view help_ja =
    R"(シナリオを仮想時間で実行します。サーバーと同じエンジンを、流量を制限する受信側に対して動かします。

mailweir simulate FILE… [OPTIONS]

  --seed N        シナリオのシードの代わりに使う
  --report FILE   図つきのレポート（HTML）を書く
  --events FILE   全イベントを1行ずつ書く。同じシードなら同じ内容になる
  --compare       すべての送信側（mailweir と比較対象）で各シナリオを実行する
  --json          JSON で出力する
  --lang en|ja
  --help

シナリオと数値の説明は docs/simulator.md にあります。終了コード 0: 合格、1: 規則違反、期待未達
（--compare では、いずれかの送信側の規則違反か mailweir の期待未達）、またはファイルの書き込み失敗、
2: コマンドラインの誤り、5: シナリオの誤り。
)";

// The value of `--name value` or `--name=value`; empty and a message if there is none.
std::optional<std::string> value_of(const std::vector<std::string>& arguments, std::size_t& at) {
  const std::string& argument = arguments[at];
  if (const auto equals = argument.find('='); equals != std::string::npos)
    return argument.substr(equals + 1);
  if (at + 1 < arguments.size()) return arguments[++at];
  fmt::print(stderr, "mailweir simulate: {} needs a value; see --help\n", argument);
  return std::nullopt;
}

bool parse_seed(const std::string& text, Options& options) {
  std::uint64_t seed = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) {
    fmt::print(stderr, "mailweir simulate: \"{}\" is no seed; give a number, such as 1\n", text);
    return false;
  }
  options.seed = seed;
  return true;
}

bool parse_language(const std::string& text, Options& options) {
  if (text != "en" && text != "ja") {
    fmt::print(stderr, "mailweir simulate: --lang must be en or ja, not \"{}\"\n", text);
    return false;
  }
  options.language = text == "ja" ? ReportLanguage::japanese : ReportLanguage::english;
  return true;
}

// False after a message.
bool parse_with_value(const std::string& name, const std::string& value, Options& options) {
  if (name == "--seed") return parse_seed(value, options);
  if (name == "--lang") return parse_language(value, options);
  (name == "--report" ? options.report : options.events) = value;
  return true;
}

std::optional<Options> parse(const std::vector<std::string>& arguments, ReportLanguage language) {
  Options options{.language = language};
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const std::string& argument = arguments[at];
    const std::string name = argument.substr(0, argument.find('='));
    if (argument == "--json") {
      options.json = true;
    } else if (argument == "--compare") {
      options.compare = true;
    } else if (argument == "--help" || argument == "-h") {
      options.help = true;
    } else if (name == "--seed" || name == "--report" || name == "--events" || name == "--lang") {
      const auto value = value_of(arguments, at);
      if (!value || !parse_with_value(name, *value, options)) return std::nullopt;
    } else if (argument.starts_with("-")) {
      fmt::print(stderr, "mailweir simulate: unknown option {}; see --help\n", argument);
      return std::nullopt;
    } else {
      options.files.push_back(argument);
    }
  }
  if (options.help) return options;
  if (options.files.empty()) {
    fmt::print(stderr, "mailweir simulate: name a scenario file; see --help\n");
    return std::nullopt;
  }
  if ((!options.events.empty() || !options.report.empty()) &&
      (options.files.size() > 1 || options.compare)) {
    fmt::print(stderr,
               "mailweir simulate: --events and --report are of a single run; name one "
               "scenario, without --compare\n");
    return std::nullopt;
  }
  return options;
}

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

int refuse_file(const std::string& name) {
  fmt::print(stderr, "mailweir simulate: {}: {}\n", name, std::strerror(errno));
  return exit_failure;
}

bool write_all(std::FILE* file, std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
}

// The run, with its events written; empty after a message.
std::optional<RunResult> play(const Scenario& scenario, const Options& options) {
  RunOptions run_options{.seed = options.seed.value_or(scenario.seed)};
  File events;
  if (!options.events.empty()) {
    events.reset(std::fopen(options.events.c_str(), "wb"));
    if (events == nullptr) {
      fmt::print(stderr, "mailweir simulate: {}: {}\n", options.events, std::strerror(errno));
      return std::nullopt;
    }
    run_options.events = [&events](std::string_view piece) {
      std::fwrite(piece.data(), 1, piece.size(), events.get());
    };
  }
  auto result = run(scenario, run_options);
  if (!result) {
    fmt::print(stderr, "mailweir simulate: {}: {}\n", scenario.file, result.error().context);
    return std::nullopt;
  }
  if (events != nullptr && (std::fflush(events.get()) != 0 || std::ferror(events.get()) != 0)) {
    fmt::print(stderr, "mailweir simulate: {}: {}\n", options.events, std::strerror(errno));
    return std::nullopt;
  }
  return *std::move(result);
}

int play_one(const Scenario& scenario, const Options& options) {
  // Before the run: nobody waits for a report that cannot be written, nor reads "passed" beside it.
  const File report(options.report.empty() ? nullptr : std::fopen(options.report.c_str(), "wb"));
  if (!options.report.empty() && report == nullptr) return refuse_file(options.report);
  const auto result = play(scenario, options);
  if (!result) return exit_failure;
  if (report != nullptr) {
    std::ostringstream text;
    text << std::ifstream(scenario.file, std::ios::binary).rdbuf();
    if (!write_all(report.get(), html_report(*result, text.str(), options.language)))
      return refuse_file(options.report);
  }
  fmt::print("{}", options.json ? run_json(*result) : run_text(*result, options.language));
  return result->passed() ? exit_ok : exit_failure;
}

int compare(const std::vector<Scenario>& scenarios, const Options& options) {
  std::vector<RunResult> runs;
  for (Scenario scenario : scenarios) {
    std::vector<std::string> names = {"mailweir"};
    for (const std::string_view name : senders::baseline_names()) names.emplace_back(name);
    const std::string chosen = scenario.sender;
    const Parameters parameters = std::move(scenario.sender_parameters);
    for (const std::string& name : names) {
      scenario.sender = name;
      scenario.sender_parameters = name == chosen ? parameters : Parameters{};
      auto result = play(scenario, options);
      if (!result) return exit_failure;
      runs.push_back(*std::move(result));
    }
  }
  fmt::print("{}", options.json ? comparison_json(runs) : comparison_table(runs, options.language));
  return comparison_passed(runs) ? exit_ok : exit_failure;
}

}  // namespace

int run_command(const std::vector<std::string>& arguments, const std::string& language) {
  const auto options =
      parse(arguments, language == "ja" ? ReportLanguage::japanese : ReportLanguage::english);
  if (!options) return exit_usage;
  if (options->help) {
    fmt::print("{}", options->language == ReportLanguage::japanese ? help_ja : help_en);
    return exit_ok;
  }
  std::vector<Scenario> scenarios;
  bool is_right = true;
  for (const std::string& file : options->files) {
    auto scenario = load_scenario(file);
    if (scenario) {
      scenarios.push_back(*std::move(scenario));
      continue;
    }
    is_right = false;
    for (const config::Problem& problem : scenario.error())
      fmt::print(stderr, "{}\n", config::to_string(problem));
  }
  if (!is_right) return exit_refused;
  if (options->compare) return compare(scenarios, *options);
  int code = exit_ok;
  for (const Scenario& scenario : scenarios) code = std::max(code, play_one(scenario, *options));
  return code;
}

}  // namespace mailweir::simulate
