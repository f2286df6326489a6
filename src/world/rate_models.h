// Limits of rate and volume: a token bucket whose rate may follow a curve, a sliding window, a
// quota of a day. Formulas: docs/receiver-models.md.
#pragma once

#include "world/bucket_level.h"
#include "world/limit_model.h"
#include "world/slot_window.h"

namespace mailweir::world {

// A stretch of time in which a rate holds.
struct RateSpan {
  Rate rate;
  Instant until = never;
};

class BucketModel : public LimitModel {
 public:
  BucketModel(const BucketParameters& parameters, Instant start);

 protected:
  // For buckets whose rate follows a curve: what holds at `now`, and how long.
  BucketModel(const BucketParameters& shape, Instant start, Rate first);
  virtual RateSpan span_at(Instant now) const;

  bool has_room(const Asking& asking, std::uint32_t in_flight) final;
  void use(const Asking& asking) final;
  double sustained(const Asking& asking) const final;

 private:
  BucketLevel& refilled(std::uint32_t slot, Instant now);

  Rate rate_;
  std::uint64_t burst_;
  PerSlot<BucketLevel> levels_;
};

// What other senders leave of a shared limit: a wave of a day, and noise anew in each slot.
class DiurnalModel final : public BucketModel {
 public:
  DiurnalModel(const DiurnalParameters& parameters, std::uint64_t seed, Instant start);

 private:
  RateSpan span_at(Instant now) const override;

  DiurnalParameters parameters_;
  std::uint64_t seed_;
  Instant start_;
};

class StepsModel final : public BucketModel {
 public:
  StepsModel(const StepsParameters& parameters, Instant start);

 private:
  RateSpan span_at(Instant now) const override;

  StepsParameters parameters_;
  Instant start_;
};

class WindowModel final : public LimitModel {
 public:
  WindowModel(const WindowParameters& parameters, Instant start);

 private:
  using Window = SlotWindow<60>;

  bool has_room(const Asking& asking, std::uint32_t in_flight) override;
  void use(const Asking& asking) override;
  double sustained(const Asking& asking) const override;
  std::optional<double> left(const Asking& asking) const override;
  void use_many(const Asking& asking, std::uint64_t messages) override;

  std::uint64_t messages_;
  Duration length_;
  Instant start_;
  PerSlot<Window> windows_{Window{}};
};

class QuotaModel final : public LimitModel {
 public:
  QuotaModel(const QuotaParameters& parameters, Instant start);

 private:
  struct Day {
    std::int64_t number = -1;
    std::uint64_t used = 0;
  };

  bool has_room(const Asking& asking, std::uint32_t in_flight) override;
  void use(const Asking& asking) override;
  double sustained(const Asking& asking) const override;
  std::optional<double> left(const Asking& asking) const override;
  void use_many(const Asking& asking, std::uint64_t messages) override;
  std::int64_t number_of(Instant now) const;
  Day& day_of(std::uint32_t slot, Instant now);

  std::uint64_t messages_;
  Duration length_;
  Instant first_turn_;
  PerSlot<Day> days_{Day{}};
};

}  // namespace mailweir::world
