#include "world/rate_models.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mailweir::world {

BucketModel::BucketModel(const BucketParameters& parameters, Instant start)
    : BucketModel(parameters, start, parameters.rate) {}

BucketModel::BucketModel(const BucketParameters& shape, Instant start, Rate first)
    : LimitModel(shape.scope, shape.phase, shape.reply),
      rate_(first),
      burst_(std::min(shape.burst, BucketLevel::burst_max)),
      levels_({.level = burst_ * BucketLevel::one, .updated = start}) {}

RateSpan BucketModel::span_at(Instant) const {
  return {.rate = rate_};
}

BucketLevel& BucketModel::refilled(std::uint32_t slot, Instant now) {
  BucketLevel& level = levels_.at(slot);
  while (level.updated < now && level.level < burst_ * BucketLevel::one) {
    const RateSpan span = span_at(level.updated);
    level.refill(span.rate, burst_, std::min(now, span.until));
  }
  level.updated = std::max(level.updated, now);
  return level;
}

bool BucketModel::has_room(const Asking& asking, std::uint32_t in_flight) {
  return refilled(asking.slot, asking.now).level >=
         (in_flight + std::uint64_t{1}) * BucketLevel::one;
}

void BucketModel::use(const Asking& asking) {
  refilled(asking.slot, asking.now).level -= BucketLevel::one;
}

double BucketModel::sustained(const Asking& asking) const {
  return per_second(span_at(asking.now).rate);
}

DiurnalModel::DiurnalModel(const DiurnalParameters& parameters, std::uint64_t seed, Instant start)
    : BucketModel({.burst = parameters.burst,
                   .scope = parameters.scope,
                   .phase = parameters.phase,
                   .reply = parameters.reply},
                  start, parameters.rate),
      parameters_(parameters),
      seed_(seed),
      start_(start) {}

RateSpan DiurnalModel::span_at(Instant now) const {
  constexpr std::uint64_t parts = 1000;  // a thousandth of a message is fine enough a rate
  const std::int64_t slot = (now - start_).count() / parameters_.noise_slot.count();
  const Duration begin = slot * parameters_.noise_slot;
  const double noise =
      static_cast<double>(mix(seed_ ^ static_cast<std::uint64_t>(slot)) >> 11) * 0x1.0p-53 - 0.5;
  const double days = std::chrono::duration<double>(begin - parameters_.peak) / 24h;
  const double factor =
      std::max(parameters_.least, 1.0 + parameters_.swing * std::cos(2 * std::numbers::pi * days) +
                                      parameters_.noise * noise);
  const double events = static_cast<double>(parameters_.rate.events) * parts * factor;
  return {.rate = {static_cast<std::uint64_t>(events),
                   parameters_.rate.period * static_cast<std::int64_t>(parts)},
          .until = start_ + begin + parameters_.noise_slot};
}

StepsModel::StepsModel(const StepsParameters& parameters, Instant start)
    : BucketModel({.burst = parameters.burst,
                   .scope = parameters.scope,
                   .phase = parameters.phase,
                   .reply = parameters.reply},
                  start, {}),
      parameters_(parameters),
      start_(start) {}

RateSpan StepsModel::span_at(Instant now) const {
  RateSpan span{.rate = parameters_.rates.front().rate};
  for (const RateFrom& step : parameters_.rates) {
    if (start_ + step.at > now) {
      span.until = start_ + step.at;
      break;
    }
    span.rate = step.rate;
  }
  return span;
}

WindowModel::WindowModel(const WindowParameters& parameters, Instant start)
    : LimitModel(parameters.scope, parameters.phase, parameters.reply),
      messages_(parameters.messages),
      length_(parameters.length),
      start_(start) {}

bool WindowModel::has_room(const Asking& asking, std::uint32_t in_flight) {
  return windows_.at(asking.slot).count(length_, start_, asking.now) + in_flight < messages_;
}

void WindowModel::use(const Asking& asking) {
  windows_.at(asking.slot).add(length_, start_, asking.now);
}

double WindowModel::sustained(const Asking&) const {
  return static_cast<double>(messages_) /
         (std::chrono::duration<double>(length_).count() * Window::stretch());
}

std::optional<double> WindowModel::left(const Asking& asking) const {
  const std::uint64_t used = windows_.view(asking.slot).count(length_, start_, asking.now);
  return used < messages_ ? static_cast<double>(messages_ - used) : 0.0;
}

void WindowModel::use_many(const Asking& asking, std::uint64_t messages) {
  Window& window = windows_.at(asking.slot);
  for (std::uint64_t i = 0; i < messages; ++i) window.add(length_, start_, asking.now);
}

QuotaModel::QuotaModel(const QuotaParameters& parameters, Instant start)
    : LimitModel(parameters.scope, parameters.phase, parameters.reply),
      messages_(parameters.messages),
      length_(parameters.length),
      first_turn_(start + parameters.turn % parameters.length - parameters.length) {}

std::int64_t QuotaModel::number_of(Instant now) const {
  return (now - first_turn_).count() / length_.count();
}

QuotaModel::Day& QuotaModel::day_of(std::uint32_t slot, Instant now) {
  Day& day = days_.at(slot);
  const std::int64_t number = number_of(now);
  if (day.number != number) day = {.number = number, .used = 0};
  return day;
}

bool QuotaModel::has_room(const Asking& asking, std::uint32_t in_flight) {
  return day_of(asking.slot, asking.now).used + in_flight < messages_;
}

void QuotaModel::use(const Asking& asking) {
  ++day_of(asking.slot, asking.now).used;
}

double QuotaModel::sustained(const Asking&) const {
  return static_cast<double>(messages_) / std::chrono::duration<double>(length_).count();
}

std::optional<double> QuotaModel::left(const Asking& asking) const {
  const Day& day = days_.view(asking.slot);
  const std::uint64_t used = day.number == number_of(asking.now) ? day.used : 0;
  return used < messages_ ? static_cast<double>(messages_ - used) : 0.0;
}

void QuotaModel::use_many(const Asking& asking, std::uint64_t messages) {
  day_of(asking.slot, asking.now).used += messages;
}

}  // namespace mailweir::world
