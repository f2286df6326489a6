#include "simulate/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "simulate/figures.h"
#include "simulate/report_series.h"
#include "simulate/report_style.h"

namespace mailweir::simulate {
namespace {

constexpr std::size_t providers_drawn = 6;
constexpr std::size_t spans_drawn = 64;
constexpr std::size_t notices_shown = 60;

using Out = std::back_insert_iterator<std::string>;

std::string cell(std::string_view text) {
  return fmt::format("<td>{}</td>", escape_html(text));
}

std::string head(std::initializer_list<Words> titles) {
  std::string html = "<div class=\"scroll\"><table><thead><tr>";
  for (const Words& title : titles) html += "<th>" + both(title) + "</th>";
  return html + "</tr></thead><tbody>\n";
}
constexpr std::string_view foot = "</tbody></table></div>\n";

std::string section(const Words& title) {
  return "<h2>" + both(title) + "</h2>\n";
}

std::string tile(const std::string& value, const Words& name) {
  return fmt::format("<div class=\"tile\"><b>{}</b>{}</div>", escape_html(value), both(name));
}

std::string opening(const RunResult& run) {
  const Words verdict =
      run.passed() ? Words{"All expectations and checks hold", "期待値と検査はすべて満たされました"}
                   : Words{"Not all expectations and checks hold",
                           "満たされていない期待値または検査があります"};
  std::string html = fmt::format("<header><h1>{}</h1>", escape_html(run.title));
  html += "<p class=\"soft\">" +
          both({"A simulated run. Sender under test: ", "シミュレーション結果。送信側: "}) +
          fmt::format("<b>{}</b> · ", escape_html(run.sender)) + both({"seed ", "シード "}) +
          fmt::format("<b>{}</b> · {} · ", run.seed, escape_html(run.file)) +
          both({"load for ", "負荷の長さ "}) + duration_text(run.length) + "</p>";
  html +=
      fmt::format("<p class=\"verdict {}\">{}</p>", run.passed() ? "good" : "bad", both(verdict));
  for (const std::string& unmet : run.unmet)
    html += fmt::format("<p class=\"bad\">{}</p>", escape_html(unmet));
  return html + "</header>\n<main>\n";
}

std::string tiles(const RunResult& run) {
  const Measures& m = run.measures;
  return "<div class=\"tiles\">" +
         tile(share_text(run.counts.delivered, run.counts.accepted),
              {"of recipients delivered", "の宛先に配信"}) +
         tile(optional_percent(share_of_oracle(m.regret_percent), 1),
              {"of what an oracle delivers", "上限を知る理想の送信側との比"}) +
         tile(fmt::format("{:.1f}", m.wasted_per_1000),
              {"wasted attempts per 1,000 delivered", "配信 1,000 件あたりの無駄な試行"}) +
         tile(fmt::format("{}", m.trips), {"limits tripped", "上限に触れた回数"}) +
         tile(duration_text(run.delays.max), {"longest delay", "最大遅延"}) +
         tile(run.drained_after ? duration_text(*run.drained_after) : "–",
              {"to drain after the load", "負荷終了後の排出時間"}) +
         "</div>\n";
}

std::string violations(const RunResult& run) {
  if (run.violations_total == 0) return {};
  std::string html = section({"Broken rules", "破られた規則"});
  for (const Violation& violation : run.violations) {
    html +=
        fmt::format("<p class=\"bad\">{} · {}</p><pre>",
                    duration_text(violation.at.time_since_epoch()), escape_html(violation.what));
    for (const std::string& event : violation.last_events) html += escape_html(event) + "\n";
    html += "</pre>";
  }
  return html;
}

std::string incident(const RunResult& run) {
  if (!run.incident) return {};
  std::string html = section({"The incident, replayed", "インシデントの再現"});
  html += "<p>" +
          both({"Time since the onset, as the public report tells it and in this run. An em dash: "
                "it did not happen, or the run cannot show it.",
                "発生からの経過時間。公開報告書の値と、この実行の値。「—」は起きなかったか、この実"
                "行からは分からないことを示します。"}) +
          fmt::format(" <span class=\"soft\">{}</span></p>", escape_html(run.incident->source));
  html += head({{"", ""}, {"report", "報告書"}, {"this run", "この実行"}});
  for (const IncidentRow& row : incident_rows(*run.incident)) {
    html += "<tr><td>" + both({row.en, row.ja}) + "</td>" + cell(optional_text(row.reference)) +
            cell(optional_text(row.ours)) + "</tr>\n";
  }
  for (const ClassResult& of_class : run.classes) {
    html += "<tr><td>" + both({"worst delay: ", "最大遅延: "}) + escape_html(of_class.name) +
            "</td><td></td>" + cell(duration_text(of_class.delays.max)) + "</tr>\n";
  }
  return html + std::string(foot);
}

Words kind_words(engine::Notice::Kind kind) {
  using Kind = engine::Notice::Kind;
  switch (kind) {
    case Kind::throttle_detected:
      return {"throttle detected", "送信制限を検知"};
    case Kind::step:
      return {"pace changed", "送信速度の変更"};
    case Kind::step_judged:
      return {"change judged", "変更の評価"};
    case Kind::probe:
      return {"probe", "探り送信"};
    case Kind::recovered:
      return {"recovered", "回復"};
    case Kind::drained:
      return {"drained", "滞留の解消"};
    case Kind::diagnosed:
      return {"diagnosed", "診断"};
    case Kind::cleared:
      return {"diagnosis over", "診断の終了"};
    case Kind::unknown_refusal:
      return {"unknown refusal", "未知の拒否応答"};
  }
  return {"", ""};
}

std::string rate_text(double per_second) {
  if (!std::isfinite(per_second)) return "∞";
  return per_second >= 1 ? fmt::format("{:.1f}/s", per_second)
                         : fmt::format("{:.1f}/min", per_second * 60);
}

// What the sender told people, as far as it fits.
std::string notices(const RunResult& run) {
  if (run.notices.empty()) return {};
  std::string html = section({"What the sender reported", "送信側の報告"});
  html += head({{"after the start", "開始から"},
                {"what", "内容"},
                {"path", "経路"},
                {"cause", "原因"},
                {"pace", "送信速度"},
                {"reply", "応答"}});
  for (std::size_t i = 0; i < std::min(run.notices.size(), notices_shown); ++i) {
    const auto& [at, notice] = run.notices[i];
    const bool has_pace = notice.from != notice.to;
    html += "<tr>" + cell(fmt::format("{:.3f}s", std::chrono::duration<double>(at).count())) +
            "<td>" + both(kind_words(notice.kind)) + "</td>" +
            cell(notice.source + " → " + notice.provider) + cell(notice.cause) +
            cell(has_pace ? rate_text(notice.from) + " → " + rate_text(notice.to) : "") +
            cell(notice.reply.code == 0 ? std::string() : to_display(notice.reply)) + "</tr>\n";
  }
  html += foot;
  if (run.notices.size() > notices_shown) {
    const auto more = count_text(run.notices.size() - notices_shown);
    html += "<p class=\"soft\">" + both({"… and more: ", "… ほか "}) + more + "</p>\n";
  }
  return html;
}

std::string plots(const RunResult& run) {
  const ReportSeries series(run);
  std::vector<const PathResult*> providers;
  for (const PathResult& provider : run.providers)
    if (provider.attempts > 0) providers.push_back(&provider);
  std::sort(providers.begin(), providers.end(), [](const auto* a, const auto* b) {
    return a->attempts != b->attempts ? a->attempts > b->attempts : a->provider < b->provider;
  });
  std::string html = section({"By mailbox provider", "プロバイダー別"});
  for (std::size_t i = 0; i < std::min(providers.size(), providers_drawn); ++i) {
    html += "<h3>" + escape_html(providers[i]->provider) + "</h3>\n";
    html += chart_svg(series.rates(*providers[i]), series.axis());
    html += chart_svg(series.acceptance(*providers[i]), series.axis());
  }
  html += section({"By class of mail", "メールのクラス別"});
  html += chart_svg(series.queues(), series.axis());
  html += chart_svg(series.delays(), series.axis());
  html += section({"By path", "経路別"});
  std::vector<SpanRow> spans = series.spans();
  if (spans.size() > spans_drawn) spans.resize(spans_drawn);
  html += "<p>" +
          legend_html(std::vector<LegendEntry>{
              {{"accepted", "受理"}, "--accepted"},
              {{"partly refused", "一部拒否"}, "--mixed"},
              {{"refused", "拒否"}, "--refused"},
              {{"held by the sender", "送信側で保留"}, "--held"},
              {{"held, probing", "保留中の試験送信"}, "--probing"},
              {{"in penalty, by the receiver's own book", "受信側から見てペナルティ中"},
               "--penalty"}}) +
          "</p>";
  html +=
      spans_svg({"What each path met; blank: nothing was sent", "各経路の結果（空白は送信なし）"},
                spans, series.axis(), "--penalty");
  return html;
}

std::string class_table(const RunResult& run) {
  std::string html = section({"Measures", "指標"});
  html += head({{"class", "クラス"},
                {"accepted", "受理"},
                {"delivered", "配信"},
                {"bounced", "不達"},
                {"expired", "期限切れ"},
                {"queued", "残り"},
                {"delay p50", "遅延 p50"},
                {"p99", "p99"},
                {"max", "最大"}});
  const auto row = [&](std::string_view name, const Counts& counts, const Delays& delays) {
    html += "<tr>" + cell(name) + cell(count_text(counts.accepted)) +
            cell(count_text(counts.delivered)) + cell(count_text(counts.bounced)) +
            cell(count_text(counts.expired)) + cell(count_text(counts.queued)) +
            cell(duration_text(delays.p50)) + cell(duration_text(delays.p99)) +
            cell(duration_text(delays.max)) + "</tr>\n";
  };
  for (const ClassResult& of_class : run.classes)
    row(of_class.name, of_class.counts, of_class.delays);
  row("Σ", run.counts, run.delays);
  return html + std::string(foot);
}

std::string measure_table(const RunResult& run) {
  const Measures& m = run.measures;
  std::string html = head({{"measure", "指標"}, {"value", "値"}});
  const auto row = [&](const Words& name, const std::string& value) {
    html += "<tr><td>" + both(name) + "</td>" + cell(value) + "</tr>\n";
  };
  row({"attempts", "試行"}, count_text(m.attempts));
  row({"refused", "拒否された試行"}, count_text(m.refused));
  row({"connections, of these failed", "接続（うち失敗）"},
      count_text(m.connections) + ", " + count_text(m.connections_failed));
  row({"wasted per 1,000 delivered", "配信 1,000 件あたりの無駄"},
      fmt::format("{:.1f}", m.wasted_per_1000));
  row({"regret against the oracle", "理想との差"},
      fmt::format("{}, {}", optional_percent(m.regret_percent, 2), duration_text(m.regret_delay)));
  row({"limits tripped", "上限に触れた回数"}, count_text(m.trips));
  row({"share of time in penalty", "ペナルティ中の時間の割合"},
      fmt::format("{:.2f}%", 100 * m.penalty_share));
  row({"penalties detected", "検知したペナルティ"},
      fmt::format("{} / {}", m.spells_detected, m.spells));
  row({"time to detect, mean and longest", "検知までの時間（平均、最大）"},
      optional_text(m.detect_mean) + ", " + optional_text(m.detect_max));
  row({"penalties recovered from", "復帰したペナルティ"},
      fmt::format("{} / {}", m.spells_recovered, m.spells_ended));
  row({"time to recover after release, mean and longest", "解除から復帰までの時間（平均、最大）"},
      optional_text(m.recover_mean) + ", " + optional_text(m.recover_max));
  row({"trips of healthy sources by moved mail", "振り替えによる健全な送信元での抵触"},
      count_text(m.healthy_burns));
  return html + std::string(foot);
}

std::string provider_table(const RunResult& run) {
  std::string html = head({{"provider", "プロバイダー"},
                           {"handed in", "受理"},
                           {"attempts", "試行"},
                           {"delivered", "配信"},
                           {"refused", "拒否"},
                           {"tripped", "抵触"},
                           {"in penalty", "ペナルティ中"}});
  for (const PathResult& provider : run.providers) {
    html += "<tr>" + cell(provider.provider) + cell(count_text(provider.accepted)) +
            cell(count_text(provider.attempts)) + cell(count_text(provider.delivered)) +
            cell(count_text(provider.refused)) + cell(count_text(provider.trips)) +
            cell(fmt::format("{:.2f}%", 100 * provider.penalty_share)) + "</tr>\n";
  }
  return html + std::string(foot);
}

}  // namespace

std::string html_report(const RunResult& run, std::string_view scenario_text,
                        ReportLanguage first) {
  const bool japanese = first == ReportLanguage::japanese;
  std::string html = "<!doctype html>\n<html lang=\"";
  html += japanese ? "ja" : "en";
  html +=
      "\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      "<meta name=\"color-scheme\" content=\"light dark\"><title>";
  html += escape_html(run.title);
  html += "</title><style>";
  html += report_style;
  html += "</style></head><body>\n";
  fmt::format_to(Out(html),
                 "<input class=\"pick\" type=\"radio\" name=\"language\" id=\"en\"{}>"
                 "<input class=\"pick\" type=\"radio\" name=\"language\" id=\"ja\"{}>"
                 "<div class=\"languages\"><label for=\"en\">English</label>"
                 "<label for=\"ja\" lang=\"ja\">日本語</label></div>\n",
                 japanese ? "" : " checked", japanese ? " checked" : "");
  html += opening(run);
  html += tiles(run);
  html += violations(run);
  html += incident(run);
  html += notices(run);
  html += plots(run);
  html += class_table(run);
  html += measure_table(run);
  html += provider_table(run);
  html += section({"The scenario", "シナリオ"});
  html += fmt::format("<details><summary>{}</summary><pre>{}</pre></details>\n",
                      escape_html(run.file), escape_html(scenario_text));
  return html + "</main></body></html>\n";
}

}  // namespace mailweir::simulate
