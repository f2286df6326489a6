// What a sender could do who knows the hidden limits: the measure of the lab.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/time.h"

namespace mailweir::lab {

class Ideal {
 public:
  virtual ~Ideal() = default;
  // `never`: when something in flight has ended.
  virtual Instant free_at(Instant now, std::uint32_t in_flight) = 0;
  virtual void take(Instant now) = 0;
};

inline double seconds_of(Instant at) {
  return static_cast<double>(at.time_since_epoch().count()) * 1e-6;
}
inline Instant instant_of(double seconds) {
  return Instant(Duration(static_cast<std::int64_t>(seconds * 1e6) + 1));
}

class IdealBucket final : public Ideal {
 public:
  using RateAt = std::function<double(double)>;
  IdealBucket(RateAt rate, double burst) : rate_(std::move(rate)), burst_(burst), level_(burst) {}

  Instant free_at(Instant now, std::uint32_t) override {
    fill(now);
    if (level_ >= 1) return now;
    return instant_of(seconds_of(now) + (1.0001 - level_) / std::max(1e-9, rate_(seconds_of(now))));
  }
  void take(Instant now) override {
    fill(now);
    level_ -= 1;
  }

 private:
  void fill(Instant now) {
    const double at = seconds_of(now);
    level_ = std::min(burst_, level_ + (at - last_) * rate_(at));
    last_ = at;
  }
  RateAt rate_;
  double burst_;
  double level_;
  double last_ = 0;
};

// At most `count` in any `length`.
class IdealWindow final : public Ideal {
 public:
  IdealWindow(double count, double length) : count_(count), length_(length) {}

  Instant free_at(Instant now, std::uint32_t) override {
    while (!taken_.empty() && taken_.front() <= seconds_of(now) - length_) taken_.pop_front();
    if (static_cast<double>(taken_.size()) + 1 <= count_) return now;
    return instant_of(taken_.front() + length_);
  }
  void take(Instant now) override { taken_.push_back(seconds_of(now)); }

 private:
  double count_;
  double length_;
  std::deque<double> taken_;
};

// At most `count` in each period that begins at `turn`.
class IdealQuota final : public Ideal {
 public:
  IdealQuota(double count, double length, double turn)
      : count_(count), length_(length), turn_(turn) {}

  Instant free_at(Instant now, std::uint32_t) override {
    renew(now);
    return taken_ + 1 <= count_ ? now : instant_of((period_ + 1) * length_ + turn_ - length_);
  }
  void take(Instant now) override {
    renew(now);
    taken_ += 1;
  }

 private:
  void renew(Instant now) {
    const double period = std::floor((seconds_of(now) + length_ - turn_) / length_);
    if (period == period_) return;
    period_ = period;
    taken_ = 0;
  }
  double count_, length_, turn_;
  double period_ = -1;
  double taken_ = 0;
};

class IdealClosure final : public Ideal {
 public:
  IdealClosure(double from, double until) : from_(from), until_(until) {}
  Instant free_at(Instant now, std::uint32_t) override {
    const double at = seconds_of(now);
    return at >= from_ && at < until_ ? instant_of(until_) : now;
  }
  void take(Instant) override {}

 private:
  double from_, until_;
};

class IdealConnections final : public Ideal {
 public:
  explicit IdealConnections(std::uint32_t most) : most_(most) {}
  Instant free_at(Instant now, std::uint32_t in_flight) override {
    return in_flight < most_ ? now : never;
  }
  void take(Instant) override {}

 private:
  std::uint32_t most_;
};

// A limit of the day that doubles after each day that uses half of it, an eighth of it an hour.
class IdealReputation final : public Ideal {
 public:
  IdealReputation(double first, double growth, double hour_share, double used_share, double most)
      : limit_(first), growth_(growth), hour_share_(hour_share), used_(used_share), most_(most) {}
  Instant free_at(Instant now, std::uint32_t) override {
    renew(now);
    if (day_taken_ + 1 > limit_) return instant_of((day_ + 1) * 86'400.0);
    if (hour_taken_ + 1 > std::max(1.0, hour_share_ * limit_))
      return instant_of((hour_ + 1) * 3'600.0);
    return now;
  }
  void take(Instant now) override {
    renew(now);
    day_taken_ += 1;
    hour_taken_ += 1;
  }

 private:
  void renew(Instant now) {
    const double day = std::floor(seconds_of(now) / 86'400.0);
    const double hour = std::floor(seconds_of(now) / 3'600.0);
    if (day > day_) {
      if (day_taken_ >= used_ * limit_) limit_ = std::min(most_, limit_ * growth_);
      day_taken_ = 0;
      day_ = day;
    }
    if (hour > hour_) hour_taken_ = 0;
    hour_ = hour;
  }
  double limit_, growth_, hour_share_, used_, most_;
  double day_ = 0, hour_ = 0;
  double day_taken_ = 0, hour_taken_ = 0;
};

// All of several.
class Ideals {
 public:
  void add(std::unique_ptr<Ideal> ideal) { all_.push_back(std::move(ideal)); }
  Instant free_at(Instant now, std::uint32_t in_flight) {
    Instant at = now;
    for (const auto& ideal : all_) at = std::max(at, ideal->free_at(now, in_flight));
    return at;
  }
  void take(Instant now) {
    for (const auto& ideal : all_) ideal->take(now);
  }

 private:
  std::vector<std::unique_ptr<Ideal>> all_;
};

}  // namespace mailweir::lab
