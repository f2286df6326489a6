// Charts of a report as inline SVG: one panel over time, with lines, areas and shaded spans.
//
// Labels come in English and Japanese, each in an element of class `en` or `ja`; the page shows one
// of them. Colours are the page's variables, so that light and dark look right. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace mailweir::simulate {

struct Words {
  std::string_view en;
  std::string_view ja;
};
// Both, each in a span of its language; `text` is escaped.
std::string both(const Words& words);
std::string escape_html(std::string_view text);

// The common time axis of a report.
struct TimeAxis {
  Duration step{};  // of one point
  std::size_t points = 0;
  std::uint32_t start_minutes = 0;  // clock time at the first point, minutes after midnight
};

struct Line {
  enum class Style : std::uint8_t { line, area, dashed };
  Words name;
  std::string_view colour;  // a variable of the page: "--accepted"
  Style style = Style::line;
  std::vector<double> values;  // one a point; not finite: a gap
};

// Shaded, behind the lines: `strength` of each point, 0 … 1.
struct Shade {
  Words name;
  std::string_view colour;
  std::vector<double> strength;
};

struct Chart {
  Words title;
  Words unit;
  std::vector<Line> lines;
  std::vector<Shade> shades;
  double top = 0;            // of the value axis; 0: what the lines need
  bool logarithmic = false;  // values are seconds, axis from 1 s on
};
std::string chart_svg(const Chart& chart, const TimeAxis& axis);

// One row a path, coloured by what happened at each point.
struct SpanRow {
  std::string name;
  std::vector<std::string_view> colours;  // one a point; empty: nothing
  std::vector<double> mark;               // 0 … 1: how strong the bar below the row is
};
std::string spans_svg(const Words& title, std::span<const SpanRow> rows, const TimeAxis& axis,
                      std::string_view mark_colour);

struct LegendEntry {
  Words name;
  std::string_view colour;
};
std::string legend_html(std::span<const LegendEntry> entries);

}  // namespace mailweir::simulate
