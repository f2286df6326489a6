#include "simulate/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "simulate/compare.h"
#include "simulate/figures.h"
#include "simulate/print_run.h"
#include "simulate/report_series.h"

namespace mailweir::simulate {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

PathResult throttled_path(std::string provider, std::string source, int points, double rate) {
  PathResult path{.provider = std::move(provider), .source = std::move(source)};
  for (int i = 0; i < points; ++i) {
    const bool penalized = i > points / 4 && i < points / 2;
    PathSample sample;
    sample.accepted = static_cast<std::uint64_t>(rate * 10);
    sample.attempts = sample.accepted * (penalized ? 3 : 1);
    sample.delivered = penalized ? sample.attempts / 6 : sample.attempts;
    sample.refused = sample.attempts - sample.delivered;
    sample.limit = penalized ? 0 : rate * 1.5;
    sample.penalized = penalized ? 0.5 : 0;
    path.attempts += sample.attempts;
    path.delivered += sample.delivered;
    path.refused += sample.refused;
    path.series.push_back(sample);
  }
  return path;
}

// A run of 10-second steps in which one provider throttled for its second quarter.
RunResult throttled_run(int points = 360) {
  RunResult run{.file = "throttle.toml",
                .title = "A <throttle>",
                .sender = "mailweir",
                .seed = 42,
                .start = "17:03",
                .length = 10s * points,
                .lasted = 10s * points,
                .drained_after = 95s,
                .step = 10s};
  run.counts = {.messages = 3600, .accepted = 3600, .delivered = 3599, .queued = 1};
  run.delays = {.count = 3599, .mean = 60s, .p50 = 2s, .p99 = 900s, .max = 1020s};
  run.measures.wasted_per_1000 = 250.4;
  run.measures.regret_percent = 12.25;
  run.measures.trips = 3;
  for (const char* name : {"action", "password", "approval"}) {
    ClassResult of_class{.name = name, .counts = run.counts, .delays = run.delays};
    for (int i = 0; i < points; ++i) {
      const bool waits = i > points / 4 && i < points * 3 / 5;
      of_class.series.push_back(
          {.accepted = 10,
           .delivered = 10,
           .queued = waits ? static_cast<std::uint64_t>(i - points / 4) * 7 : 0,
           .delay_mean = waits ? Duration(60s) : Duration(800ms),
           .delay_max = waits ? Duration(5s) * (i - points / 4) : Duration(1500ms)});
    }
    run.classes.push_back(std::move(of_class));
  }
  run.providers = {throttled_path("microsoft365", "", points, 8),
                   throttled_path("gmail", "", points, 3)};
  for (const char* source : {"mx1", "mx2", "mx3"})
    run.paths.push_back(throttled_path("microsoft365", source, points, 3));
  run.incident = Incident{
      .source = "a report", .onset = 0s, .reference = {.detected = 27min, .worst_delay = 4h}};
  find_incident_minutes(run);
  return run;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

TEST(ReportSeries, ShowsWhereTheSenderHeldAndProbed) {
  RunResult run = throttled_run();
  PathSample held;
  held.held = 1;
  PathSample probed = held;
  probed.attempts = 1;
  run.paths.front().series.assign(run.paths.front().series.size(), held);
  EXPECT_THAT(ReportSeries(run).spans().front().colours, testing::Each("--held"));
  run.paths.front().series.assign(run.paths.front().series.size(), probed);
  EXPECT_THAT(ReportSeries(run).spans().front().colours, testing::Each("--probing"));
}

TEST(Report, StandsAlone) {
  const std::string html = html_report(throttled_run(), "seed = 42", ReportLanguage::english);
  EXPECT_THAT(html, Not(HasSubstr("http")));
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("@import")));
  EXPECT_THAT(html, Not(HasSubstr("url(")));
  EXPECT_THAT(html, HasSubstr("prefers-color-scheme:dark"));
}

TEST(Report, SpeaksBothLanguagesWordForWord) {
  const std::string html = html_report(throttled_run(), "", ReportLanguage::japanese);
  EXPECT_EQ(count(html, "<span class=\"en\">"), count(html, "<span class=\"ja\""));
  EXPECT_THAT(html, HasSubstr("id=\"ja\" checked"));
  EXPECT_THAT(html, HasSubstr("隠れた上限"));
}

TEST(Report, EscapesWhatIsNotItsOwn) {
  RunResult run = throttled_run();
  run.violations_total = 1;
  run.violations = {{.at = Instant(1s), .what = "lost <b>", .last_events = {"t=1 <i>"}}};
  const std::string html = html_report(run, "title = \"</pre><x>\"", ReportLanguage::english);
  EXPECT_THAT(html, HasSubstr("A &lt;throttle&gt;"));
  EXPECT_THAT(html, HasSubstr("&lt;/pre&gt;&lt;x&gt;"));
  EXPECT_THAT(html, HasSubstr("lost &lt;b&gt;"));
  EXPECT_THAT(html, Not(HasSubstr("<x>")));
}

TEST(Report, DrawsEachProviderClassAndPath) {
  const std::string html = html_report(throttled_run(), "", ReportLanguage::english);
  EXPECT_EQ(count(html, "<svg"), 2u * 2 + 2 + 1);
  EXPECT_THAT(html, HasSubstr(">17:10<"));
  EXPECT_THAT(html, HasSubstr("mx2 → microsoft365"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(Report, StaysSmallForALongRun) {
  EXPECT_LT(html_report(throttled_run(86400), "", ReportLanguage::english).size(), 400u * 1024);
}

TEST(Report, TakesARunWithoutAnything) {
  RunResult run{.title = "empty", .step = 10s};
  run.providers = {{.provider = "gmail"}};
  run.providers.front().series.push_back(
      {.attempts = 1, .limit = std::numeric_limits<double>::infinity()});
  run.providers.front().attempts = 1;
  EXPECT_THAT(html_report(run, "", ReportLanguage::english), HasSubstr("</html>"));
}

TEST(Comparison, GroupsSendersByScenario) {
  std::vector<RunResult> runs(3, throttled_run(10));
  runs[1].sender = "postfix";
  runs[1].unmet = {"trips 3 > 0"};
  runs[1].counts.bounced = 1234;
  runs[1].counts.expired = 56;
  runs[2].title = "Another";
  runs[2].drained_after.reset();
  const std::string table = comparison_table(runs, ReportLanguage::english);
  EXPECT_EQ(count(table, "A <throttle>\n"), 1u);
  EXPECT_EQ(count(table, "Another\n"), 1u);
  EXPECT_THAT(table, HasSubstr("87.8%"));
  EXPECT_THAT(table, HasSubstr("unmet\n"));
  EXPECT_THAT(table, HasSubstr("delivered  bounced  expired"));
  EXPECT_THAT(table, HasSubstr("99.9%    1,234       56"));
  EXPECT_THAT(table, HasSubstr("99.9%"));  // one is missing: not 100 %
  EXPECT_THAT(comparison_table(runs, ReportLanguage::japanese), HasSubstr("送信側"));
}

TEST(Comparison, FailsForABrokenRuleOfAnyAndForWhatMailweirMissed) {
  std::vector<RunResult> runs(2, throttled_run(10));
  runs[1].sender = "postfix";
  EXPECT_TRUE(comparison_passed(runs));
  runs[1].unmet = {"trips is 3"};
  EXPECT_TRUE(comparison_passed(runs));
  runs[1].violations_total = 1;
  EXPECT_FALSE(comparison_passed(runs));
  runs[1].violations_total = 0;
  runs[0].unmet = {"trips is 3"};
  EXPECT_FALSE(comparison_passed(runs));
}

TEST(Comparison, JsonHasARunEach) {
  std::vector<RunResult> runs(2, throttled_run(10));
  runs[1].drained_after.reset();
  const auto json = nlohmann::json::parse(comparison_json(runs));
  ASSERT_EQ(json["runs"].size(), 2u);
  EXPECT_EQ(json["runs"][0]["drained_seconds"], 95.0);
  EXPECT_TRUE(json["runs"][1]["drained_seconds"].is_null());
}

TEST(IncidentMinutes, ComeFromTheRun) {
  const RunResult run = throttled_run();
  const IncidentMinutes& ours = run.incident->ours;
  EXPECT_FALSE(ours.mitigated);  // all paths went on as before, in equal parts
  EXPECT_FALSE(ours.drained);    // one is left in the queue
  EXPECT_EQ(ours.released, Duration(1800s));
  EXPECT_EQ(ours.worst_delay, Duration(1020s));
  RunResult drained = run;
  drained.counts.queued = 0;
  find_incident_minutes(drained);
  EXPECT_EQ(drained.incident->ours.drained, Duration(2160s));
}

TEST(IncidentMinutes, ASenderThatSparesTheThrottledSourcesHasMitigated) {
  RunResult run = throttled_run();
  for (std::size_t i = 0; i < run.paths[0].series.size(); ++i) {
    PathSample& sample = run.paths[0].series[i];
    if (i >= 120) sample.attempts = 0;
    for (const std::size_t healthy : {1U, 2U}) {
      run.paths[healthy].series[i].attempts = 30;
      run.paths[healthy].series[i].penalized = 0;
    }
  }
  run.incident->onset = 900s;
  find_incident_minutes(run);
  ASSERT_TRUE(run.incident->ours.mitigated);
  EXPECT_THAT(std::chrono::duration<double>(*run.incident->ours.mitigated).count(),
              ::testing::DoubleNear(240, 60));
}

NoticeAt told(Duration at, engine::Notice::Kind kind) {
  NoticeAt told{.at = at, .notice = {}};
  told.notice.kind = kind;
  told.notice.source = "mx1";
  told.notice.provider = "microsoft365";
  return told;
}

TEST(IncidentMinutes, AreWhatTheSenderSaidIfItSaidAnything) {
  RunResult run = throttled_run();
  run.incident->onset = 900s;
  NoticeAt early = told(10s, engine::Notice::Kind::throttle_detected);
  NoticeAt held = told(903s, engine::Notice::Kind::throttle_detected);
  NoticeAt named = told(905s, engine::Notice::Kind::throttle_detected);
  named.notice.cause = "throttle";
  named.notice.paths_used = 3;
  NoticeAt step = told(906s, engine::Notice::Kind::step);
  step.notice.from = 5;
  run.notices = {early, held, named, step};
  find_incident_minutes(run);
  EXPECT_EQ(run.incident->ours.detected, Duration(3s));
  EXPECT_EQ(run.incident->ours.cause_named, Duration(5s));
  EXPECT_EQ(run.incident->ours.mitigated, Duration(6s));
}

TEST(Report, ShowsWhatTheSenderSaid) {
  RunResult run = throttled_run();
  run.notices = {told(903s, engine::Notice::Kind::throttle_detected)};
  run.notices.front().notice.reply = Reply{451, EnhancedStatus{4, 7, 500}, "4.7.500 <busy>"};
  const std::string html = html_report(run, "", ReportLanguage::japanese);
  EXPECT_THAT(html, HasSubstr("送信制限を検知"));
  EXPECT_THAT(html, HasSubstr("451 4.7.500 &lt;busy&gt;"));
  EXPECT_EQ(count(html, "<span class=\"en\">"), count(html, "<span class=\"ja\""));
  const auto json = nlohmann::json::parse(run_json(run));
  EXPECT_EQ(json["notices"][0]["source"], "mx1");
  EXPECT_EQ(json["notices_total"], 1);
}

TEST(Figures, AreShortAndNeverRoundUpToAll) {
  EXPECT_EQ(duration_text(420ms), "0.42s");
  EXPECT_EQ(duration_text(250min), "4h10m");
  EXPECT_EQ(duration_text(52h), "2d04h");
  EXPECT_EQ(count_text(1234567), "1,234,567");
  EXPECT_EQ(share_text(99999, 100000), "99.9%");
  EXPECT_EQ(aligned({{"名", "1"}, {"abc", "22"}}), "名    1\nabc  22\n");
}

}  // namespace
}  // namespace mailweir::simulate
