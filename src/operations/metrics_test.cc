#include "operations/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <thread>

#include "operations/metric_set.h"
#include "operations/test_directory.h"

namespace mailweir::operations {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Series {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

// A strict reader of the text format: every line must be of a kind it knows, every family declared
// before its samples.
class Page {
 public:
  explicit Page(const std::string& text) {
    EXPECT_TRUE(text.empty() || text.back() == '\n');
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) read(line);
  }

  double value(const std::string& name,
               const std::map<std::string, std::string>& labels = {}) const {
    for (const Series& one : series) {
      if (one.name == name && one.labels == labels) return one.value;
    }
    ADD_FAILURE() << "no " << name;
    return -1;
  }

  std::vector<Series> series;

 private:
  void read(const std::string& line) {
    static const std::regex help(R"(# HELP ([a-z_][a-z0-9_]*) (.+))");
    static const std::regex type(R"(# TYPE ([a-z_][a-z0-9_]*) (counter|gauge|histogram))");
    static const std::regex sample(R"(([a-z_][a-z0-9_]*)(?:\{(.*)\})? (\S+))");
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      helped_ = match[1];
    } else if (std::regex_match(line, match, type)) {
      EXPECT_EQ(match[1], helped_);
      EXPECT_TRUE(types_.emplace(match[1], match[2]).second) << "declared twice: " << line;
      family_ = match[1];
    } else if (std::regex_match(line, match, sample)) {
      add(match[1], match[2], match[3], line);
    } else {
      ADD_FAILURE() << "not of the format: " << line;
    }
  }

  void add(const std::string& name, const std::string& labels, const std::string& value,
           const std::string& line) {
    const bool is_histogram = types_[family_] == "histogram";
    const std::string suffix = name.substr(std::min(name.size(), family_.size()));
    EXPECT_TRUE(name.starts_with(family_) &&
                (is_histogram ? suffix == "_bucket" || suffix == "_sum" || suffix == "_count"
                              : suffix.empty()))
        << line;
    Series one{.name = name, .labels = read_labels(labels), .value = std::stod(value)};
    for (const Series& other : series)
      EXPECT_FALSE(other.name == one.name && other.labels == one.labels) << "twice: " << line;
    series.push_back(std::move(one));
  }

  static std::map<std::string, std::string> read_labels(std::string text) {
    static const std::regex label(R"re(^([a-z_]+)="((?:[^"\\]|\\\\|\\"|\\n)*)"(,|$))re");
    std::map<std::string, std::string> labels;
    for (std::smatch match; !text.empty(); text = match.suffix()) {
      if (!std::regex_search(text, match, label)) {
        ADD_FAILURE() << "not labels: " << text;
        return labels;
      }
      EXPECT_TRUE(labels.emplace(match[1], match[2]).second);
    }
    return labels;
  }

  std::string helped_;
  std::string family_;
  std::map<std::string, std::string> types_;
};

TEST(Metrics, CountersAndGaugesAreExposed) {
  Registry registry;
  CounterFamily total{registry, {"weir_total", "Things.", {}}};
  GaugeFamily level{registry, {"weir_level", "Level.", {"kind"}}};
  EXPECT_EQ(Page(registry.expose()).value("weir_total"), 0);
  total.only().add();
  total.only().add(41);
  level.with({"high"}).set(2.5);
  const Page page(registry.expose());
  EXPECT_EQ(page.value("weir_total"), 42);
  EXPECT_EQ(page.value("weir_level", {{"kind", "high"}}), 2.5);
}

TEST(Metrics, LabelValuesAndHelpAreEscaped) {
  Registry registry;
  CounterFamily total{registry, {"weir_total", "A \\ and\na line.", {"text"}}};
  total.with({"a\\b\"c\nd"}).add(7);
  const std::string text = registry.expose();
  EXPECT_EQ(Page(text).value("weir_total", {{"text", "a\\\\b\\\"c\\nd"}}), 7);
  EXPECT_THAT(text, HasSubstr("# HELP weir_total A \\\\ and\\na line.\n"));
}

TEST(Metrics, HistogramBucketsAreCumulativeAndInclusive) {
  Registry registry;
  HistogramFamily sizes{registry, {"weir_sizes", "Sizes.", {}}, count_buckets};
  for (const std::uint64_t value : {0U, 1U, 2U, 3U, 1024U, 5000U}) sizes.only().observe(value);
  const Page page(registry.expose());
  EXPECT_EQ(page.value("weir_sizes_bucket", {{"le", "1"}}), 2);
  EXPECT_EQ(page.value("weir_sizes_bucket", {{"le", "2"}}), 3);
  EXPECT_EQ(page.value("weir_sizes_bucket", {{"le", "4"}}), 4);
  EXPECT_EQ(page.value("weir_sizes_bucket", {{"le", "1024"}}), 5);
  EXPECT_EQ(page.value("weir_sizes_bucket", {{"le", "+Inf"}}), 6);
  EXPECT_EQ(page.value("weir_sizes_count"), 6);
  EXPECT_EQ(page.value("weir_sizes_sum"), 6030);
}

TEST(Metrics, TimesAreShownInSeconds) {
  Registry registry;
  HistogramFamily times{registry, {"weir_seconds", "Times.", {"class"}}, seconds_buckets};
  times.with({"notice"}).observe(std::chrono::milliseconds(1500));
  times.with({"notice"}).observe(Duration(-5));
  const Page page(registry.expose());
  EXPECT_EQ(page.value("weir_seconds_bucket", {{"class", "notice"}, {"le", "1"}}), 1);
  EXPECT_EQ(page.value("weir_seconds_bucket", {{"class", "notice"}, {"le", "2"}}), 2);
  EXPECT_DOUBLE_EQ(page.value("weir_seconds_sum", {{"class", "notice"}}), 1.5);
}

TEST(Metrics, TooManyValuesAreCountedAsOther) {
  Registry registry;
  CounterFamily total{registry, {"weir_total", "Things.", {"provider", "source"}}};
  for (std::size_t i = 0; i < 1000; ++i) total.with({"p" + std::to_string(i), "mx1"}).add();
  const Page page(registry.expose());
  EXPECT_EQ(page.series.size(), CounterFamily::values_max + 1);
  EXPECT_EQ(page.value("weir_total", {{"provider", "p0"}, {"source", "mx1"}}), 1);
  EXPECT_EQ(page.value("weir_total", {{"provider", "other"}, {"source", "mx1"}}), 800);
  // A known value stays known with any other label.
  total.with({"p7", "mx2"}).add(5);
  EXPECT_EQ(Page(registry.expose()).value("weir_total", {{"provider", "p7"}, {"source", "mx2"}}),
            5);
}

TEST(Metrics, ChildrenKeepTheirAddress) {
  Registry registry;
  CounterFamily total{registry, {"weir_total", "Things.", {"provider"}}};
  Counter& first = total.with({"first"});
  for (int i = 0; i < 100; ++i) total.with({std::to_string(i)}).add();
  EXPECT_EQ(&total.with({"first"}), &first);
}

TEST(Metrics, ObservedValuesAreAskedForWhenWritten) {
  Registry registry;
  Observed level{registry, MetricType::gauge, {"weir_level", "Level.", {}}};
  EXPECT_EQ(Page(registry.expose()).series.size(), 0U);
  double now = 3;
  level.observe_value([&] { return now; });
  EXPECT_EQ(Page(registry.expose()).value("weir_level"), 3);
  now = 1.7e9;
  EXPECT_EQ(Page(registry.expose()).value("weir_level"), 1.7e9);
  level.observe({});
  EXPECT_EQ(Page(registry.expose()).series.size(), 0U);
}

TEST(Metrics, CountsFromManyThreadsAddUp) {
  Registry registry;
  CounterFamily total{registry, {"weir_total", "Things.", {"provider"}}};
  HistogramFamily sizes{registry, {"weir_sizes", "Sizes.", {}}, count_buckets};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        total.with({std::to_string(i % 7)}).add();
        sizes.only().observe(3);
      }
    });
  }
  const Page meanwhile(registry.expose());
  for (std::thread& thread : threads) thread.join();
  const Page page(registry.expose());
  double sum = 0;
  for (const Series& one : page.series) sum += one.name == "weir_total" ? one.value : 0;
  EXPECT_EQ(sum, 40'000);
  EXPECT_EQ(page.value("weir_sizes_sum"), 120'000);
}

TEST(MetricSet, NamesFollowTheConventions) {
  const Metrics metrics;
  for (const Metric* metric : metrics.registry.metrics()) {
    const auto& about = metric->description();
    EXPECT_TRUE(about.name.starts_with("mailweir_")) << about.name;
    EXPECT_EQ(about.name.ends_with("_total"), metric->type() == MetricType::counter) << about.name;
    EXPECT_TRUE(about.help.ends_with('.')) << about.name;
  }
  const Page page(metrics.registry.expose());
  EXPECT_EQ(page.value("mailweir_smtp_sessions_total"), 0);
}

TEST(MetricSet, TheCommittedPageIsCurrent) {
  EXPECT_EQ(file_text(WEIR_SOURCE_DIR "/docs/metrics.md"), metrics_reference())
      << "write it anew: metrics_reference > docs/metrics.md";
}

}  // namespace
}  // namespace mailweir::operations
