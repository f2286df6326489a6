#include "simulate/report_series.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace mailweir::simulate {
namespace {

constexpr std::size_t points_max = 480;
constexpr double gap = std::numeric_limits<double>::quiet_NaN();

std::size_t points_of(const RunResult& run) {
  std::size_t points = 0;
  for (const ClassResult& of_class : run.classes) points = std::max(points, of_class.series.size());
  for (const PathResult& provider : run.providers)
    points = std::max(points, provider.series.size());
  return points;
}

// "17:03" → 1023; anything else is midnight.
std::uint32_t minutes_of(std::string_view clock) {
  std::uint32_t hours = 0;
  std::uint32_t minutes = 0;
  const std::size_t colon = clock.find(':');
  if (colon == std::string_view::npos) return 0;
  std::from_chars(clock.data(), clock.data() + colon, hours);
  std::from_chars(clock.data() + colon + 1, clock.data() + clock.size(), minutes);
  return hours * 60 + minutes;
}

double seconds_of(Duration d) {
  return std::chrono::duration<double>(d).count();
}

std::string_view colour_of_class(std::size_t index) {
  return class_colours[index % std::size(class_colours)];
}

double top_of(const std::vector<double>& values) {
  double top = 0;
  for (const double value : values)
    if (std::isfinite(value)) top = std::max(top, value);
  return top;
}

}  // namespace

ReportSeries::ReportSeries(const RunResult& run) : run_(run) {
  const std::size_t points = points_of(run);
  merged_ = std::max<std::size_t>(1, (points + points_max - 1) / points_max);
  axis_.points = (points + merged_ - 1) / merged_;
  axis_.step = run.step * static_cast<std::int64_t>(merged_);
  axis_.start_minutes = minutes_of(run.start);
}

template <class Sample, class Value>
std::vector<double> ReportSeries::sums(const std::vector<Sample>& series, Value value,
                                       double factor) const {
  std::vector<double> merged(axis_.points, 0);
  for (std::size_t i = 0; i < series.size(); ++i)
    merged[i / merged_] += static_cast<double>(value(series[i])) * factor;
  return merged;
}

template <class Sample, class Value>
std::vector<double> ReportSeries::highest(const std::vector<Sample>& series, Value value) const {
  std::vector<double> merged(axis_.points, 0);
  for (std::size_t i = 0; i < series.size(); ++i) {
    double& kept = merged[i / merged_];
    kept = std::max(kept, static_cast<double>(value(series[i])));
  }
  return merged;
}

Shade ReportSeries::penalty(const PathResult& provider) const {
  return {.name = {"in penalty (share of our IPs)", "ペナルティ中（送信元 IP の割合）"},
          .colour = "--penalty",
          .strength = highest(provider.series, [](const PathSample& s) { return s.penalized; })};
}

Chart ReportSeries::rates(const PathResult& provider) const {
  const double per_second = 1 / std::max(seconds_of(axis_.step), 1e-9);
  const auto& series = provider.series;
  Chart chart{.title = {"Rate against the hidden limit", "送信レートと隠れた上限"},
              .unit = {"messages/s", "通/秒"}};
  Line delivered{
      .name = {"delivered", "配信済み"}, .colour = "--accepted", .style = Line::Style::area};
  delivered.values = sums(series, [](const PathSample& s) { return s.delivered; }, per_second);
  Line attempts{.name = {"attempts", "試行"}, .colour = "--attempts"};
  attempts.values = sums(series, [](const PathSample& s) { return s.attempts; }, per_second);
  Line offered{.name = {"handed in", "受理"}, .colour = "--offered", .style = Line::Style::dashed};
  offered.values = sums(series, [](const PathSample& s) { return s.accepted; }, per_second);
  Line limit{
      .name = {"hidden limit", "隠れた上限"}, .colour = "--limit", .style = Line::Style::dashed};
  limit.values = highest(series, [](const PathSample& s) { return s.limit; });
  // What hammers would flatten everything else, and so would a limit far above.
  const double wanted = std::max(top_of(delivered.values), top_of(offered.values));
  const double limit_top = top_of(limit.values);
  const double reached = std::max(wanted, limit_top <= 4 * wanted ? limit_top : 0);
  chart.top = 1.1 * std::max(reached, std::min(top_of(attempts.values), 4 * reached));
  for (double& value : limit.values)
    if (value > chart.top) value = gap;
  chart.lines = {delivered, attempts, offered, limit};
  chart.shades = {penalty(provider)};
  return chart;
}

Chart ReportSeries::acceptance(const PathResult& provider) const {
  const auto attempts = sums(provider.series, [](const PathSample& s) { return s.attempts; }, 1);
  const auto delivered = sums(provider.series, [](const PathSample& s) { return s.delivered; }, 1);
  Line share{.name = {"accepted of attempts", "試行のうち受理"}, .colour = "--accepted"};
  for (std::size_t i = 0; i < attempts.size(); ++i)
    share.values.push_back(attempts[i] > 0 ? std::min(100.0, 100 * delivered[i] / attempts[i])
                                           : gap);
  return {.title = {"Acceptance", "受理率"},
          .unit = {"%", "%"},
          .lines = {share},
          .shades = {penalty(provider)},
          .top = 100};
}

Chart ReportSeries::queues() const {
  Chart chart{.title = {"Queue by class", "クラス別の待ち行列"}, .unit = {"recipients", "宛先"}};
  for (std::size_t c = 0; c < run_.classes.size(); ++c) {
    const ClassResult& of_class = run_.classes[c];
    chart.lines.push_back(
        {.name = {of_class.name, of_class.name},
         .colour = colour_of_class(c),
         .values = highest(of_class.series, [](const ClassSample& s) { return s.queued; })});
  }
  return chart;
}

Chart ReportSeries::delays() const {
  Chart chart{.title = {"Longest delay of what was delivered, by class",
                        "配信されたものの最大遅延（クラス別）"},
              .unit = {"logarithmic", "対数目盛"},
              .logarithmic = true};
  for (std::size_t c = 0; c < run_.classes.size(); ++c) {
    const ClassResult& of_class = run_.classes[c];
    Line line{.name = {of_class.name, of_class.name}, .colour = colour_of_class(c)};
    line.values =
        highest(of_class.series, [](const ClassSample& s) { return seconds_of(s.delay_max); });
    for (double& value : line.values)
      if (value <= 0) value = gap;
    chart.lines.push_back(line);
  }
  return chart;
}

std::vector<SpanRow> ReportSeries::spans() const {
  std::vector<SpanRow> rows;
  for (const PathResult& path : run_.paths.empty() ? run_.providers : run_.paths) {
    const auto attempts = sums(path.series, [](const PathSample& s) { return s.attempts; }, 1);
    const auto refused = sums(path.series, [](const PathSample& s) { return s.refused; }, 1);
    const auto held = highest(path.series, [](const PathSample& s) { return s.held; });
    SpanRow row{.name = path.source.empty() ? path.provider : path.source + " → " + path.provider};
    for (std::size_t i = 0; i < attempts.size(); ++i) {
      const double share = attempts[i] > 0 ? refused[i] / attempts[i] : 0;
      if (held[i] > 0) {
        row.colours.emplace_back(attempts[i] > 0 ? "--probing" : "--held");
        continue;
      }
      row.colours.push_back(attempts[i] <= 0 ? ""
                            : share >= 0.95  ? "--refused"
                            : share >= 0.2   ? "--mixed"
                                             : "--accepted");
    }
    row.mark = highest(path.series, [](const PathSample& s) { return s.penalized; });
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace mailweir::simulate
