#include "simulate/print_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ranges>
#include <vector>

#include "simulate/figures.h"

namespace mailweir::simulate {
namespace {

using Json = nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

// Both languages of one text.
struct Words {
  bool is_japanese;
  std::string operator()(std::string_view english, std::string_view japanese) const {
    return std::string(is_japanese ? japanese : english);
  }
};

std::string head(const RunResult& run, const Words& say) {
  const Counts& counts = run.counts;
  const std::string drained =
      run.drained_after
          ? fmt::format(fmt::runtime(say("drained {} after the load", "負荷終了から{}で排出")),
                        duration_text(*run.drained_after))
          : say("not drained", "未排出");
  return fmt::format("{}  {} {}  {} {}\n", run.title, say("sender", "送信側"), run.sender,
                     say("seed", "シード"), run.seed) +
         fmt::format(
             fmt::runtime(
                 say("recipients accepted: {}; {} delivered, {} bounced, {} expired, {} queued; "
                     "{} of load, {}\n",
                     "受理 {} 宛先: 配信 {}、不達 {}、期限切れ {}、残り {}。負荷 {}、{}\n")),
             count_text(counts.accepted), count_text(counts.delivered), count_text(counts.bounced),
             count_text(counts.expired), count_text(counts.queued), duration_text(run.length),
             drained);
}

std::string class_table(const RunResult& run, const Words& say) {
  Rows rows = {{say("CLASS", "クラス"), say("ACCEPTED", "受理"), say("DELIVERED", "配信"),
                say("EXPIRED", "期限切れ"), say("DELAY P50", "遅延P50"), "P99",
                say("MAX", "最大")}};
  for (const ClassResult& row : run.classes) {
    rows.push_back({row.name, count_text(row.counts.accepted), count_text(row.counts.delivered),
                    count_text(row.counts.expired), duration_text(row.delays.p50),
                    duration_text(row.delays.p99), duration_text(row.delays.max)});
  }
  return aligned(rows);
}

// The minutes of a public report beside those of the run.
std::string incident_table(const RunResult& run, const Words& say) {
  if (!run.incident) return {};
  Rows rows = {
      {say("SINCE THE ONSET", "発生から"), say("REPORT", "報告書"), say("THIS RUN", "この実行")}};
  for (const IncidentRow& row : incident_rows(*run.incident))
    rows.push_back({say(row.en, row.ja), optional_text(row.reference), optional_text(row.ours)});
  for (const ClassResult& row : run.classes)
    rows.push_back(
        {say("worst delay of ", "最大遅延: ") + row.name, "", duration_text(row.delays.max)});
  return "\n" + aligned(rows) + run.incident->source + "\n\n";
}

std::string provider_table(const RunResult& run, const Words& say) {
  Rows rows = {{say("PROVIDER", "プロバイダー"), say("ACCEPTED", "受理"), say("ATTEMPTS", "試行"),
                say("DELIVERED", "配信"), say("REFUSED", "一時拒否"), say("TRIPS", "抵触"),
                say("PENALTY", "ペナルティ")}};
  for (const PathResult& row : run.providers) {
    rows.push_back({row.provider, count_text(row.accepted), count_text(row.attempts),
                    count_text(row.delivered), count_text(row.refused), count_text(row.trips),
                    fmt::format("{:.1f}%", 100 * row.penalty_share)});
  }
  return aligned(rows);
}

std::string measure_lines(const RunResult& run, const Words& say) {
  const Measures& m = run.measures;
  std::string text = fmt::format(
      fmt::runtime(say("of the oracle {} (regret {}, {} a recipient); wasted {:.1f} per "
                       "1,000 delivered; trips: {}\n",
                       "理想比 {}（後悔 {}、宛先あたり {}）。無駄な試行 {:.1f}/千通。抵触 "
                       "{} 回\n")),
      optional_percent(share_of_oracle(m.regret_percent), 2), optional_percent(m.regret_percent, 2),
      duration_text(std::max(Duration{}, m.regret_delay)), m.wasted_per_1000, count_text(m.trips));
  text += fmt::format(
      fmt::runtime(say("penalty {:.2f}% of path time; spells: {}, noticed {} (mean {}), recovered "
                       "from {} of {} (mean {}); trips at healthy sources: {}\n",
                       "ペナルティ時間 {:.2f}%。発生 {} 回、検知 {} 回（平均 {}）、復帰 {}/{} "
                       "回（平均 {}）。健全な送信元での抵触 {} 回\n")),
      100 * m.penalty_share, m.spells, m.spells_detected, optional_text(m.detect_mean),
      m.spells_recovered, m.spells_ended, optional_text(m.recover_mean), m.healthy_burns);
  if (m.crash_duplicates + m.lost_replies > 0) {
    text += fmt::format(fmt::runtime(say("sent twice: {} after a crash, {} for want of a reply\n",
                                         "二重送信: クラッシュ後 {}、応答なし {}\n")),
                        m.crash_duplicates, m.lost_replies);
  }
  return text;
}

std::string verdict(const RunResult& run, const Words& say) {
  std::string text;
  for (const Violation& violation : run.violations) {
    text += fmt::format("{} {:.6f}s", say("broken at", "違反"),
                        std::chrono::duration<double>(violation.at.time_since_epoch()).count());
    if (violation.message != 0)
      text += fmt::format(" m{}/{}", violation.message, violation.recipient);
    text += ": " + violation.what + "\n";
    for (const std::string& line : violation.last_events) text += "    " + line + "\n";
  }
  if (run.violations_total > run.violations.size()) {
    text += fmt::format(fmt::runtime(say("… {} more\n", "… ほか {} 件\n")),
                        run.violations_total - run.violations.size());
  }
  for (const std::string& sentence : run.unmet)
    text += say("not met: ", "期待未達: ") + sentence + "\n";
  return text + (run.passed() ? say("passed", "合格") : say("FAILED", "不合格")) + "\n";
}

Json seconds(const std::optional<Duration>& duration) {
  if (!duration) return nullptr;
  return std::chrono::duration<double>(*duration).count();
}

Json counts_json(const Counts& counts) {
  return {{"messages", counts.messages},   {"accepted", counts.accepted},
          {"delivered", counts.delivered}, {"bounced", counts.bounced},
          {"expired", counts.expired},     {"queued", counts.queued}};
}

Json delays_json(const Delays& delays) {
  return {{"mean", seconds(delays.mean)},
          {"p50", seconds(delays.p50)},
          {"p99", seconds(delays.p99)},
          {"max", seconds(delays.max)}};
}

Json measures_json(const Measures& m) {
  return {{"attempts", m.attempts},
          {"refused", m.refused},
          {"connections", m.connections},
          {"connections_failed", m.connections_failed},
          {"penalty_bounces", m.penalty_bounces},
          {"wasted_per_1000", m.wasted_per_1000},
          {"path_refusals", m.path_refusals},
          {"path_wasted_per_1000", m.path_wasted_per_1000},
          {"regret_percent", m.regret_percent ? Json(*m.regret_percent) : Json(nullptr)},
          {"regret_delay", seconds(m.regret_delay)},
          {"trips", m.trips},
          {"penalty_share", m.penalty_share},
          {"held_share", m.held_share},
          {"spells", m.spells},
          {"spells_detected", m.spells_detected},
          {"detect_mean", seconds(m.detect_mean)},
          {"detect_max", seconds(m.detect_max)},
          {"spells_ended", m.spells_ended},
          {"spells_recovered", m.spells_recovered},
          {"recover_mean", seconds(m.recover_mean)},
          {"recover_max", seconds(m.recover_max)},
          {"healthy_burns", m.healthy_burns},
          {"crash_duplicates", m.crash_duplicates},
          {"lost_replies", m.lost_replies}};
}

Json violations_json(const RunResult& run) {
  Json list = Json::array();
  for (const Violation& violation : run.violations) {
    list.push_back({{"at", std::chrono::duration<double>(violation.at.time_since_epoch()).count()},
                    {"message", violation.message},
                    {"recipient", violation.recipient},
                    {"what", violation.what},
                    {"last_events", violation.last_events}});
  }
  return list;
}

constexpr std::size_t notices_max = 1000;

Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

// The first ones; a null rate is one without a limit.
Json notices_json(const RunResult& run) {
  Json list = Json::array();
  for (const NoticeAt& each : run.notices | std::views::take(notices_max)) {
    const engine::Notice& notice = each.notice;
    list.push_back({{"at", seconds(each.at)},
                    {"kind", engine::to_string(notice.kind)},
                    {"source", notice.source},
                    {"provider", notice.provider},
                    {"cell", notice.cell},
                    {"cause", notice.cause},
                    {"from", number(notice.from)},
                    {"to", number(notice.to)},
                    {"verdict", engine::to_string(notice.verdict)},
                    {"paths_held", notice.paths_held},
                    {"paths_used", notice.paths_used},
                    {"refused_share", notice.refused_share},
                    {"waiting", notice.waiting},
                    {"reply", notice.reply.code == 0 ? std::string() : to_display(notice.reply)},
                    {"rule", notice.rule},
                    {"suspect", notice.suspect.tenant},
                    {"suspect_campaign", notice.suspect.campaign},
                    {"detail", notice.detail}});
  }
  return list;
}

// All of them, however many notices there are.
Json findings_json(const RunResult& run) {
  using Kind = engine::Notice::Kind;
  Json list = Json::array();
  for (const auto& [at, notice] : run.notices) {
    if (notice.kind != Kind::diagnosed && notice.kind != Kind::cleared) continue;
    list.push_back({{"at", seconds(at)},
                    {"kind", engine::to_string(notice.kind)},
                    {"cause", notice.cause},
                    {"source", notice.source},
                    {"provider", notice.provider},
                    {"cell", notice.cell},
                    {"detail", notice.detail}});
  }
  return list;
}

}  // namespace

std::string run_text(const RunResult& run, ReportLanguage language) {
  const Words say{language == ReportLanguage::japanese};
  return head(run, say) + "\n" + class_table(run, say) + "\n" + provider_table(run, say) + "\n" +
         measure_lines(run, say) + incident_table(run, say) + verdict(run, say);
}

std::string run_json(const RunResult& run) {
  Json json{{"scenario", run.title},
            {"file", run.file},
            {"sender", run.sender},
            {"seed", run.seed},
            {"passed", run.passed()},
            {"length", seconds(run.length)},
            {"lasted", seconds(run.lasted)},
            {"drained_after", seconds(run.drained_after)},
            {"events", run.events},
            {"counts", counts_json(run.counts)},
            {"delays", delays_json(run.delays)},
            {"measures", measures_json(run.measures)},
            {"classes", Json::array()},
            {"providers", Json::array()},
            {"violations", violations_json(run)},
            {"violations_total", run.violations_total},
            {"unmet", run.unmet},
            {"findings", findings_json(run)},
            {"notices", notices_json(run)},
            {"notices_total", run.notices.size()}};
  for (const ClassResult& row : run.classes) {
    json["classes"].push_back({{"name", row.name},
                               {"counts", counts_json(row.counts)},
                               {"delays", delays_json(row.delays)}});
  }
  for (const PathResult& row : run.providers) {
    json["providers"].push_back({{"name", row.provider},
                                 {"accepted", row.accepted},
                                 {"attempts", row.attempts},
                                 {"delivered", row.delivered},
                                 {"refused", row.refused},
                                 {"trips", row.trips},
                                 {"penalty_share", row.penalty_share}});
  }
  if (run.incident) {
    const auto minutes = [](const IncidentMinutes& of) {
      return Json{{"detected", seconds(of.detected)},   {"cause_named", seconds(of.cause_named)},
                  {"mitigated", seconds(of.mitigated)}, {"released", seconds(of.released)},
                  {"drained", seconds(of.drained)},     {"worst_delay", seconds(of.worst_delay)}};
    };
    json["incident"] = {{"source", run.incident->source},
                        {"reference", minutes(run.incident->reference)},
                        {"ours", minutes(run.incident->ours)}};
  }
  return json.dump() + "\n";
}

}  // namespace mailweir::simulate
