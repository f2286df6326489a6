// Punishments: a penalty box and a block list. Formulas: docs/receiver-models.md.
#pragma once

#include "base/random.h"
#include "world/bucket_level.h"
#include "world/model.h"
#include "world/parameters.h"
#include "world/scope_slots.h"
#include "world/trigger.h"

namespace mailweir::world {

class PenaltyBoxModel final : public Model {
 public:
  PenaltyBoxModel(PenaltyBoxParameters parameters, std::uint64_t seed, Instant start);

  Interests interests() const override;
  Verdict consider(Encounter& encounter) override;
  void on_accepted(Encounter& encounter) override;
  void on_refused(Encounter& encounter, Cause cause) override;
  double limit(const Subject& subject, Instant now) const override;
  bool is_penalized(const Subject& subject, Instant now) const override;
  std::uint64_t trips(const Subject& subject) const override;
  bool control(Receiver::Control what, const Subject& subject, Instant now) override;

 private:
  struct State {
    Instant until{};
    bool is_on = false;
    bool knows_trip_at = false;  // the penalty of `trip_at` has been begun
    std::uint32_t trips = 0;
    StrikeWindow strikes;
    StrikeWindow tried;
    BucketLevel inside;
  };

  State& current(std::uint32_t slot, Instant now);
  void begin(State& state, Instant when) const;
  void strike(State& state, Instant now) const;
  void count_try(State& state, Instant now) const;
  bool is_on(const State& state, Instant now) const;
  bool is_due(const State& state, Instant now) const;
  bool refuses_try(State& state, Instant now);

  PenaltyBoxParameters parameters_;
  Step decides_at_;
  SeededRandom random_;
  Instant start_;
  ScopeSlots scope_;
  PerSlot<State> states_;
};

class BlockListModel final : public Model {
 public:
  BlockListModel(BlockListParameters parameters, Instant start);

  Interests interests() const override;
  Verdict consider(Encounter& encounter) override;
  void on_accepted(Encounter& encounter) override;
  void on_refused(Encounter& encounter, Cause cause) override;
  double limit(const Subject& subject, Instant now) const override;
  bool is_penalized(const Subject& subject, Instant now) const override;
  std::uint64_t trips(const Subject& subject) const override;
  bool control(Receiver::Control what, const Subject& subject, Instant now) override;

 private:
  struct State {
    Instant until{};  // of the listing; it is over from then on
    std::uint32_t trips = 0;
    StrikeWindow strikes;
  };

  State& current(const Subject& subject, Instant now);
  bool is_newly_listed(const Subject& subject, Instant now) const;
  void enlist(State& state, Instant when) const;
  void strike(State& state, Instant now) const;

  BlockListParameters parameters_;
  Instant start_;
  ScopeSlots scope_;
  PerSlot<State> states_{State{}};
  PerSlot<std::uint8_t> is_looked_up_{0};  // by source: `listed` was heeded
};

}  // namespace mailweir::world
