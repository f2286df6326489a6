// Metrics in the Prometheus text format (exposition format 0.0.4): counters, gauges and histograms,
// declared with their help text.
//
// Updates are relaxed atomics and may come from any thread; a child of a family keeps its address
// for the life of the family, so a caller on a hot path looks it up once. Labels come from bounded
// sets: of the first label of a family at most `values_max` values are told apart, later ones are
// counted under "other".
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <set>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace mailweir::operations {

enum class MetricType : std::uint8_t { counter, gauge, histogram };
std::string_view to_string(MetricType type);

class Counter {
 public:
  void add(std::uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

class Gauge {
 public:
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

// Counts observations in fixed buckets. Values are whole numbers of `unit` (microseconds, bytes,
// messages); they are shown multiplied by `scale`, because Prometheus wants base units.
struct Buckets {
  std::span<const std::uint64_t> bounds;  // ascending, inclusive; of static storage
  double scale = 1;
};
extern const Buckets seconds_buckets;  // 100 µs … 5 d, observed in microseconds
extern const Buckets count_buckets;    // 1 … 1024, powers of two

class Histogram {
 public:
  static constexpr std::size_t buckets_max = 24;

  explicit Histogram(const Buckets& buckets);
  void observe(std::uint64_t value);
  void observe(Duration value) {
    observe(static_cast<std::uint64_t>(value.count() < 0 ? 0 : value.count()));
  }

  const Buckets& buckets() const { return buckets_; }
  std::uint64_t count_in(std::size_t bucket) const {
    return counts_[bucket].load(std::memory_order_relaxed);
  }
  std::uint64_t sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  Buckets buckets_;
  std::array<std::atomic<std::uint64_t>, buckets_max + 1>
      counts_{};  // not cumulative; the last is +Inf
  std::atomic<std::uint64_t> sum_ = 0;
};

// Label names, and one child's values in the same order.
using Labels = std::vector<std::string>;

struct MetricDescription {
  std::string name;  // "mailweir_…", with its unit, counters with `_total`
  std::string help;  // one sentence
  Labels labels;
};

class Registry;

// What the registry writes out. Registers itself for life; the registry must outlive it.
class Metric {
 public:
  Metric(Registry& registry, MetricType type, MetricDescription description);
  virtual ~Metric() = default;
  Metric(const Metric&) = delete;
  Metric& operator=(const Metric&) = delete;

  MetricType type() const { return type_; }
  const MetricDescription& description() const { return description_; }
  virtual void expose(std::string& text) const = 0;  // appends the sample lines

 private:
  MetricType type_;
  MetricDescription description_;
};

// All metrics, in the order of their declaration.
class Registry {
 public:
  Registry() = default;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The whole page. From any thread, once all metrics are declared.
  std::string expose() const;
  const std::vector<const Metric*>& metrics() const { return metrics_; }

 private:
  friend class Metric;
  std::vector<const Metric*> metrics_;
};

// Children of one kind, told apart by their labels; without labels there is exactly one.
template <class Child>
class Family final : public Metric {
 public:
  static constexpr std::size_t values_max = 200;

  Family(Registry& registry, MetricDescription description);
  Family(Registry& registry, MetricDescription description, const Buckets& buckets);  // histograms

  // The child with these label values, made when it is new.
  Child& with(std::initializer_list<std::string_view> values);
  // The only child of a family without labels.
  Child& only() { return with({}); }

  void expose(std::string& text) const override;

 private:
  struct Entry {
    std::string labels;  // rendered
    std::unique_ptr<Child> child;
  };

  Child& add(std::initializer_list<std::string_view> values, std::string key);

  const Buckets* buckets_ = nullptr;
  mutable std::shared_mutex mutex_;
  std::set<std::string, std::less<>> first_values_;
  std::map<std::string, Entry, std::less<>> children_;  // by the values
};

using CounterFamily = Family<Counter>;
using GaugeFamily = Family<Gauge>;
using HistogramFamily = Family<Histogram>;

// A gauge or counter whose samples are asked for when the page is written.
class Observed final : public Metric {
 public:
  struct Sample {
    Labels values;
    double value = 0;
  };
  using Source = std::function<std::vector<Sample>()>;

  Observed(Registry& registry, MetricType type, MetricDescription description);

  // `source` is called on the thread that writes the page, until the next call of this; an empty
  // one ends it. When this returns the former source is not running any more.
  void observe(Source source);
  void observe_value(std::function<double()> value);
  void expose(std::string& text) const override;

 private:
  mutable std::shared_mutex mutex_;
  Source source_;
};

}  // namespace mailweir::operations
