#include "operations/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/assert.h"

namespace mailweir::operations {
namespace {

constexpr std::uint64_t second = 1'000'000;
constexpr std::array<std::uint64_t, 20> second_bounds = {
    100,          500,          1'000,         5'000,          10'000,
    50'000,       100'000,      250'000,       500'000,        second,
    2 * second,   5 * second,   10 * second,   30 * second,    60 * second,
    300 * second, 900 * second, 3600 * second, 21600 * second, 86400 * second};
constexpr std::array<std::uint64_t, 11> count_bounds = {1,  2,   4,   8,   16,  32,
                                                        64, 128, 256, 512, 1024};

std::string escaped(std::string_view text, bool is_label_value) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && is_label_value) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
  return out;
}

// `a="x",b="y"`, without braces.
template <class Values>
std::string render_labels(const Labels& names, const Values& values) {
  std::string out;
  auto value = values.begin();
  for (const std::string& name : names) {
    if (!out.empty()) out += ',';
    out += fmt::format("{}=\"{}\"", name, escaped(*value++, true));
  }
  return out;
}

std::string braced(std::string_view labels) {
  return labels.empty() ? std::string() : fmt::format("{{{}}}", labels);
}

void expose_child(std::string& text, std::string_view name, std::string_view labels,
                  const Counter& counter) {
  fmt::format_to(std::back_inserter(text), "{}{} {}\n", name, braced(labels), counter.value());
}

void expose_child(std::string& text, std::string_view name, std::string_view labels,
                  const Gauge& gauge) {
  fmt::format_to(std::back_inserter(text), "{}{} {}\n", name, braced(labels), gauge.value());
}

void expose_child(std::string& text, std::string_view name, std::string_view labels,
                  const Histogram& histogram) {
  const Buckets& buckets = histogram.buckets();
  const std::string_view comma = labels.empty() ? "" : ",";
  std::uint64_t count = 0;
  auto out = std::back_inserter(text);
  for (std::size_t i = 0; i < buckets.bounds.size(); ++i) {
    count += histogram.count_in(i);
    const double bound = static_cast<double>(buckets.bounds[i]) * buckets.scale;
    fmt::format_to(out, "{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, comma, bound, count);
  }
  // The total is the sum of what was read here, so that the page is consistent in itself while
  // observations go on.
  count += histogram.count_in(buckets.bounds.size());
  fmt::format_to(out, "{}_bucket{{{}{}le=\"+Inf\"}} {}\n", name, labels, comma, count);
  fmt::format_to(out, "{}_sum{} {}\n", name, braced(labels),
                 static_cast<double>(histogram.sum()) * buckets.scale);
  fmt::format_to(out, "{}_count{} {}\n", name, braced(labels), count);
}

}  // namespace

const Buckets seconds_buckets{.bounds = second_bounds, .scale = 1e-6};
const Buckets count_buckets{.bounds = count_bounds, .scale = 1};

std::string_view to_string(MetricType type) {
  switch (type) {
    case MetricType::counter:
      return "counter";
    case MetricType::gauge:
      return "gauge";
    case MetricType::histogram:
      return "histogram";
  }
  return "untyped";
}

Histogram::Histogram(const Buckets& buckets) : buckets_(buckets) {
  WEIR_ASSERT(buckets.bounds.size() <= buckets_max && std::ranges::is_sorted(buckets.bounds));
}

void Histogram::observe(std::uint64_t value) {
  const auto bucket = std::ranges::lower_bound(buckets_.bounds, value) - buckets_.bounds.begin();
  counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

Metric::Metric(Registry& registry, MetricType type, MetricDescription description)
    : type_(type), description_(std::move(description)) {
  registry.metrics_.push_back(this);
}

std::string Registry::expose() const {
  std::string text;
  text.reserve(16 * 1024);
  for (const Metric* metric : metrics_) {
    const std::string& name = metric->description().name;
    fmt::format_to(std::back_inserter(text), "# HELP {} {}\n# TYPE {} {}\n", name,
                   escaped(metric->description().help, false), name, to_string(metric->type()));
    metric->expose(text);
  }
  return text;
}

namespace {

template <class Child>
constexpr MetricType type_of_child = MetricType::counter;
template <>
constexpr MetricType type_of_child<Gauge> = MetricType::gauge;
template <>
constexpr MetricType type_of_child<Histogram> = MetricType::histogram;

}  // namespace

template <class Child>
Family<Child>::Family(Registry& registry, MetricDescription description)
    : Metric(registry, type_of_child<Child>, std::move(description)) {
  // A family without labels shows its zero from the start, so that a rate over it has a beginning.
  if (this->description().labels.empty()) only();
}

template <>
Family<Histogram>::Family(Registry& registry, MetricDescription description, const Buckets& buckets)
    : Metric(registry, MetricType::histogram, std::move(description)), buckets_(&buckets) {
  if (this->description().labels.empty()) only();
}

template <class Child>
Child& Family<Child>::with(std::initializer_list<std::string_view> values) {
  WEIR_ASSERT(values.size() == description().labels.size());
  // Values are joined by a byte that no name contains; a lookup allocates only for long ones.
  std::string key;
  for (const std::string_view value : values) key.append(value) += '\x1f';
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = children_.find(key); found != children_.end())
      return *found->second.child;
  }
  return add(values, std::move(key));
}

template <class Child>
Child& Family<Child>::add(std::initializer_list<std::string_view> values, std::string key) {
  std::vector<std::string_view> kept(values);
  const std::unique_lock lock(mutex_);
  if (!kept.empty() && !first_values_.contains(kept.front())) {
    if (first_values_.size() < values_max) {
      first_values_.emplace(kept.front());
    } else {
      kept.front() = "other";
      key.clear();
      for (const std::string_view value : kept) key.append(value) += '\x1f';
    }
  }
  Entry& entry = children_[key];
  if (entry.child == nullptr) {
    entry.labels = render_labels(description().labels, kept);
    if constexpr (std::is_same_v<Child, Histogram>) {
      entry.child = std::make_unique<Histogram>(*buckets_);
    } else {
      entry.child = std::make_unique<Child>();
    }
  }
  return *entry.child;
}

template <class Child>
void Family<Child>::expose(std::string& text) const {
  const std::shared_lock lock(mutex_);
  for (const auto& [key, entry] : children_)
    expose_child(text, description().name, entry.labels, *entry.child);
}

template class Family<Counter>;
template class Family<Gauge>;
template class Family<Histogram>;

Observed::Observed(Registry& registry, MetricType type, MetricDescription description)
    : Metric(registry, type, std::move(description)) {}

void Observed::observe(Source source) {
  const std::unique_lock lock(mutex_);
  source_ = std::move(source);
}

void Observed::observe_value(std::function<double()> value) {
  observe(
      [value = std::move(value)] { return std::vector<Sample>{{.values = {}, .value = value()}}; });
}

void Observed::expose(std::string& text) const {
  const std::shared_lock lock(mutex_);
  if (!source_) return;
  for (const Sample& sample : source_()) {
    WEIR_ASSERT(sample.values.size() == description().labels.size());
    fmt::format_to(std::back_inserter(text), "{}{} {}\n", description().name,
                   braced(render_labels(description().labels, sample.values)), sample.value);
  }
}

}  // namespace mailweir::operations
