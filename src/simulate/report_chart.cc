#include "simulate/report_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

namespace mailweir::simulate {
namespace {

constexpr double width = 960;
constexpr double left = 58;
constexpr double right = 12;
constexpr double plot_width = width - left - right;
constexpr double plot_height = 190;
constexpr double above = 10;
constexpr double below = 24;

using Out = std::back_insert_iterator<std::string>;

double seconds_of(Duration d) {
  return std::chrono::duration<double>(d).count();
}

double x_of(std::size_t point, const TimeAxis& axis) {
  return left + plot_width * static_cast<double>(point) /
                    static_cast<double>(std::max<std::size_t>(axis.points, 1));
}

// 1, 2 or 5 times a power of ten, so that about `count` fit below `top`.
double nice_step(double top, double count) {
  const double raw = top / count;
  const double magnitude = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (raw <= factor * magnitude) return factor * magnitude;
  }
  return 10 * magnitude;
}

std::string number_text(double value) {
  if (value >= 1e6) return fmt::format("{:g}M", value / 1e6);
  if (value >= 1e4) return fmt::format("{:g}k", value / 1e3);
  return fmt::format("{:g}", value);
}

struct Scale {
  double top = 1;
  bool logarithmic = false;

  double y(double value) const {
    const double share = logarithmic ? std::log(std::max(value, 1.0)) / std::log(top) : value / top;
    return above + plot_height * (1 - std::clamp(share, 0.0, 1.0));
  }
};

struct Tick {
  double value;
  std::string text;
};

std::vector<Tick> value_ticks(const Scale& scale) {
  std::vector<Tick> ticks;
  if (scale.logarithmic) {
    constexpr std::array<std::pair<double, std::string_view>, 9> marks{{{1, "1 s"},
                                                                        {10, "10 s"},
                                                                        {60, "1 min"},
                                                                        {300, "5 min"},
                                                                        {900, "15 min"},
                                                                        {3600, "1 h"},
                                                                        {14400, "4 h"},
                                                                        {43200, "12 h"},
                                                                        {172800, "2 d"}}};
    for (const auto& [value, text] : marks) {
      if (value <= scale.top) ticks.push_back({value, std::string(text)});
    }
    return ticks;
  }
  const double step = nice_step(scale.top, 5);
  for (double value = 0; value <= scale.top * 1.001; value += step)
    ticks.push_back({value, number_text(value)});
  return ticks;
}

Scale scale_of(const Chart& chart) {
  double top = chart.top;
  if (top <= 0) {
    for (const Line& line : chart.lines) {
      for (const double value : line.values) {
        if (std::isfinite(value)) top = std::max(top, value);
      }
    }
    top *= 1.08;
  }
  if (chart.logarithmic) return {std::max(top, 60.0), true};
  return {top > 0 ? top : 1, false};
}

void draw_values(std::string& svg, const Scale& scale) {
  for (const Tick& tick : value_ticks(scale)) {
    const double y = scale.y(tick.value);
    fmt::format_to(Out(svg),
                   "<line class=\"grid\" x1=\"{:.0f}\" x2=\"{:.0f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
                   "<text class=\"tick\" x=\"{:.0f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
                   left, width - right, y, y, left - 6, y + 4, tick.text);
  }
}

void draw_times(std::string& svg, const TimeAxis& axis, double bottom) {
  const double total = seconds_of(axis.step) * static_cast<double>(axis.points);
  if (total <= 0) return;
  constexpr std::array<double, 12> steps{60,   300,   600,   900,   1800,  3600,
                                         7200, 10800, 21600, 43200, 86400, 604800};
  double step = steps.back();
  for (const double each : steps) {
    if (total / each <= 12) {
      step = each;
      break;
    }
  }
  const double start = axis.start_minutes * 60.0;
  for (double clock = std::ceil(start / step) * step; clock <= start + total; clock += step) {
    const double x = left + plot_width * (clock - start) / total;
    const auto minutes = static_cast<std::uint64_t>(std::lround(clock / 60));
    std::string text = fmt::format("{:02}:{:02}", minutes / 60 % 24, minutes % 60);
    if (total > 86400 && minutes >= 1440) text = fmt::format("+{}d {}", minutes / 1440, text);
    fmt::format_to(Out(svg),
                   "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.0f}\" "
                   "y2=\"{2:.1f}\"/><text class=\"tick\" x=\"{0:.1f}\" y=\"{3:.1f}\" "
                   "text-anchor=\"middle\">{4}</text>",
                   x, above, bottom, bottom + 16, text);
  }
}

void draw_shade(std::string& svg, const Shade& shade, const TimeAxis& axis) {
  for (std::size_t from = 0; from < shade.strength.size();) {
    std::size_t to = from + 1;
    while (to < shade.strength.size() && shade.strength[to] == shade.strength[from]) ++to;
    if (shade.strength[from] > 0) {
      fmt::format_to(Out(svg),
                     "<rect x=\"{:.1f}\" y=\"{:.0f}\" width=\"{:.2f}\" height=\"{:.0f}\" "
                     "style=\"fill:var({})\" fill-opacity=\"{:.2f}\"/>",
                     x_of(from, axis), above, x_of(to, axis) - x_of(from, axis), plot_height,
                     shade.colour, 0.08 + 0.22 * std::min(shade.strength[from], 1.0));
    }
    from = to;
  }
}

void draw_run(std::string& svg, const Line& line, const Scale& scale, const TimeAxis& axis,
              std::size_t from, std::size_t to) {
  std::string points;
  for (std::size_t i = from; i < to; ++i) {
    fmt::format_to(Out(points), "{:.1f},{:.1f} ",
                   x_of(i, axis) + plot_width / (2.0 * static_cast<double>(axis.points)),
                   scale.y(line.values[i]));
  }
  if (line.style == Line::Style::area) {
    const double base = above + plot_height;
    fmt::format_to(Out(svg),
                   "<polygon points=\"{:.1f},{:.1f} {}{:.1f},{:.1f}\" style=\"fill:var({})\" "
                   "fill-opacity=\"0.25\"/>",
                   x_of(from, axis), base, points, x_of(to, axis), base, line.colour);
  }
  fmt::format_to(Out(svg), "<polyline points=\"{}\" style=\"stroke:var({})\" class=\"line{}\"/>",
                 points, line.colour, line.style == Line::Style::dashed ? " dashed" : "");
}

void draw_line(std::string& svg, const Line& line, const Scale& scale, const TimeAxis& axis) {
  for (std::size_t from = 0; from < line.values.size();) {
    if (!std::isfinite(line.values[from])) {
      ++from;
      continue;
    }
    std::size_t to = from + 1;
    while (to < line.values.size() && std::isfinite(line.values[to])) ++to;
    draw_run(svg, line, scale, axis, from, to);
    from = to;
  }
}

std::string figure(const Words& title, const std::string& legend, const std::string& svg) {
  return fmt::format("<figure><figcaption>{}{}</figcaption>{}</figure>\n", both(title), legend,
                     svg);
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string both(const Words& words) {
  return fmt::format("<span class=\"en\">{}</span><span class=\"ja\" lang=\"ja\">{}</span>",
                     escape_html(words.en), escape_html(words.ja));
}

std::string legend_html(std::span<const LegendEntry> entries) {
  std::string html = "<span class=\"legend\">";
  for (const LegendEntry& entry : entries) {
    fmt::format_to(Out(html), "<span class=\"key\"><i style=\"background:var({})\"></i>{}</span>",
                   entry.colour, both(entry.name));
  }
  return html + "</span>";
}

std::string chart_svg(const Chart& chart, const TimeAxis& axis) {
  const Scale scale = scale_of(chart);
  std::string svg = fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\">", width,
                                above + plot_height + below);
  for (const Shade& shade : chart.shades) draw_shade(svg, shade, axis);
  draw_values(svg, scale);
  draw_times(svg, axis, above + plot_height);
  for (const Line& line : chart.lines) draw_line(svg, line, scale, axis);
  svg += "</svg>";
  std::vector<LegendEntry> entries;
  for (const Line& line : chart.lines) entries.push_back({line.name, line.colour});
  for (const Shade& shade : chart.shades) entries.push_back({shade.name, shade.colour});
  std::string legend = legend_html(entries);
  if (!chart.unit.en.empty()) legend += "<span class=\"unit\">" + both(chart.unit) + "</span>";
  return figure(chart.title, legend, svg);
}

std::string spans_svg(const Words& title, std::span<const SpanRow> rows, const TimeAxis& axis,
                      std::string_view mark_colour) {
  constexpr double row_height = 16;
  constexpr double name_width = 190;
  const double bottom = above + row_height * static_cast<double>(rows.size());
  std::string svg = fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\">",
                                width + name_width, bottom + below);
  svg += fmt::format("<g transform=\"translate({:.0f} 0)\">", name_width - left + 8);
  draw_times(svg, axis, bottom);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const SpanRow& row = rows[r];
    const double y = above + row_height * static_cast<double>(r);
    fmt::format_to(Out(svg),
                   "<text class=\"tick\" x=\"{:.0f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
                   left - 8, y + 11, escape_html(row.name));
    for (std::size_t from = 0; from < row.colours.size();) {
      std::size_t to = from + 1;
      while (to < row.colours.size() && row.colours[to] == row.colours[from]) ++to;
      if (!row.colours[from].empty()) {
        fmt::format_to(Out(svg),
                       "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"9\" "
                       "style=\"fill:var({})\"/>",
                       x_of(from, axis), y + 1, x_of(to, axis) - x_of(from, axis),
                       row.colours[from]);
      }
      from = to;
    }
    for (std::size_t from = 0; from < row.mark.size();) {
      std::size_t to = from + 1;
      while (to < row.mark.size() && (row.mark[to] > 0) == (row.mark[from] > 0)) ++to;
      if (row.mark[from] > 0) {
        fmt::format_to(Out(svg),
                       "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"3\" "
                       "style=\"fill:var({})\"/>",
                       x_of(from, axis), y + 11, x_of(to, axis) - x_of(from, axis), mark_colour);
      }
      from = to;
    }
  }
  svg += "</g></svg>";
  return figure(title, "", svg);
}

}  // namespace mailweir::simulate
