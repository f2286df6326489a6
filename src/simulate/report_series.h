// The series of a run as lines to draw: at most a few hundred points, counts turned into rates.
#pragma once

#include <vector>

#include "simulate/report_chart.h"
#include "simulate/result.h"

namespace mailweir::simulate {

class ReportSeries {
 public:
  explicit ReportSeries(const RunResult& run);

  const TimeAxis& axis() const { return axis_; }
  // Rate against the hidden limit, and share accepted, of all sources at one provider.
  Chart rates(const PathResult& provider) const;
  Chart acceptance(const PathResult& provider) const;
  Chart queues() const;  // by class
  Chart delays() const;  // by class
  // What each path met; of providers where the run kept no paths.
  std::vector<SpanRow> spans() const;

 private:
  template <class Sample, class Value>
  std::vector<double> sums(const std::vector<Sample>& series, Value value, double factor) const;
  template <class Sample, class Value>
  std::vector<double> highest(const std::vector<Sample>& series, Value value) const;
  Shade penalty(const PathResult& provider) const;

  const RunResult& run_;
  std::size_t merged_ = 1;  // points of the run in one of the report
  TimeAxis axis_;
};

inline constexpr std::string_view class_colours[] = {"--c1", "--c2", "--c3",
                                                     "--c4", "--c5", "--c6"};

}  // namespace mailweir::simulate
