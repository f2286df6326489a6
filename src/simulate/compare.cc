#include "simulate/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "simulate/figures.h"

namespace mailweir::simulate {
namespace {

std::vector<std::string> titles(ReportLanguage language) {
  if (language == ReportLanguage::japanese) {
    return {"送信側", "配信",       "不達",         "期限切れ", "理想比",  "無駄/千通",
            "抵触",   "ペナルティ", "検知",         "復帰",     "遅延p50", "p99",
            "最大",   "排出",       "健全IPの損傷", "判定"};
  }
  return {"sender", "delivered", "bounced", "expired", "of oracle", "wasted/1000",
          "trips",  "penalty",   "detect",  "recover", "delay p50", "p99",
          "max",    "drained",   "burns",   "verdict"};
}

std::vector<std::string> row_of(const RunResult& run) {
  const Measures& m = run.measures;
  return {"  " + run.sender,
          share_text(run.counts.delivered, run.counts.accepted),
          count_text(run.counts.bounced),
          count_text(run.counts.expired),
          optional_percent(share_of_oracle(m.regret_percent), 1),
          fmt::format("{:.1f}", m.wasted_per_1000),
          count_text(m.trips),
          fmt::format("{:.1f}%", 100 * m.penalty_share),
          optional_text(m.detect_mean),
          optional_text(m.recover_mean),
          duration_text(run.delays.p50),
          duration_text(run.delays.p99),
          duration_text(run.delays.max),
          optional_text(run.drained_after),
          count_text(m.healthy_burns),
          run.violations_total > 0 ? "broken"
          : run.unmet.empty()      ? "ok"
                                   : "unmet"};
}

using Json = nlohmann::ordered_json;

Json number_json(const std::optional<double>& number) {
  return number ? Json(*number) : Json(nullptr);
}

Json seconds_json(const std::optional<Duration>& duration) {
  if (!duration) return nullptr;
  return std::chrono::duration<double>(*duration).count();
}

Json run_json(const RunResult& run) {
  const Measures& m = run.measures;
  return {{"scenario", run.title},
          {"file", run.file},
          {"sender", run.sender},
          {"seed", run.seed},
          {"accepted", run.counts.accepted},
          {"delivered", run.counts.delivered},
          {"bounced", run.counts.bounced},
          {"expired", run.counts.expired},
          {"queued", run.counts.queued},
          {"attempts", m.attempts},
          {"refused", m.refused},
          {"connections", m.connections},
          {"connections_failed", m.connections_failed},
          {"of_oracle_percent", number_json(share_of_oracle(m.regret_percent))},
          {"penalty_bounces", m.penalty_bounces},
          {"wasted_per_1000", m.wasted_per_1000},
          {"trips", m.trips},
          {"penalty_share", m.penalty_share},
          {"detect_mean_seconds", seconds_json(m.detect_mean)},
          {"recover_mean_seconds", seconds_json(m.recover_mean)},
          {"delay_p50_seconds", seconds_json(run.delays.p50)},
          {"delay_p99_seconds", seconds_json(run.delays.p99)},
          {"delay_max_seconds", seconds_json(run.delays.max)},
          {"drained_seconds", seconds_json(run.drained_after)},
          {"healthy_burns", m.healthy_burns},
          {"violations", run.violations_total},
          {"unmet", run.unmet},
          {"passed", run.passed()}};
}

}  // namespace

std::string comparison_table(std::span<const RunResult> runs, ReportLanguage language) {
  std::vector<std::vector<std::string>> rows{titles(language)};
  const RunResult* last = nullptr;
  for (const RunResult& run : runs) {
    if (last == nullptr || last->file != run.file || last->title != run.title)
      rows.push_back({run.title});
    rows.push_back(row_of(run));
    last = &run;
  }
  // A scenario's name stands on a line of its own and must not widen the senders' column.
  std::vector<std::vector<std::string>> columns;
  for (const auto& row : rows)
    if (row.size() > 1) columns.push_back(row);
  const std::string table = aligned(columns);
  std::string text;
  std::size_t at = 0;
  for (const auto& row : rows) {
    if (row.size() == 1) {
      text += row.front() + "\n";
      continue;
    }
    const std::size_t end = table.find('\n', at) + 1;
    text += table.substr(at, end - at);
    at = end;
  }
  return text;
}

bool comparison_passed(std::span<const RunResult> runs) {
  return std::ranges::all_of(runs, [](const RunResult& run) {
    return run.violations_total == 0 && (run.unmet.empty() || run.sender != "mailweir");
  });
}

std::string comparison_json(std::span<const RunResult> runs) {
  Json json{{"runs", Json::array()}};
  for (const RunResult& run : runs) json["runs"].push_back(run_json(run));
  return json.dump() + "\n";
}

}  // namespace mailweir::simulate
