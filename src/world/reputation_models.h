// What a receiver makes of an address's past: a limit that must be earned, and distrust of the new.
// Formulas: docs/receiver-models.md.
#pragma once

#include "base/random.h"
#include "world/limit_model.h"

namespace mailweir::world {

class ReputationModel final : public LimitModel {
 public:
  ReputationModel(ReputationParameters parameters, Instant start);

  Interests interests() const override;
  void on_accepted(Encounter& encounter) override;
  void on_refused(Encounter& encounter, Cause cause) override;

 private:
  // What an address did on its last day, and what that earns it.
  struct State {
    double limit = 0;  // messages a day; 0: nothing is known of the address
    std::int64_t day = 0;
    std::int64_t hour = 0;
    std::uint32_t used = 0;  // today
    std::uint32_t used_this_hour = 0;
    std::uint32_t refused = 0;
    std::uint32_t unknown = 0;
    std::uint32_t unwanted = 0;
  };

  bool has_room(const Asking& asking, std::uint32_t in_flight) override;
  void use(const Asking& asking) override;
  double sustained(const Asking& asking) const override;
  std::optional<double> left(const Asking& asking) const override;
  void use_many(const Asking& asking, std::uint64_t messages) override;

  State& current(const Subject& subject, Instant now);
  void turn_to(State& state, const Subject& subject, Instant now) const;
  double judged(const State& state) const;
  double hour_limit(const State& state) const;

  ReputationParameters parameters_;
  Instant start_;
  PerSlot<State> states_{State{}};
};

class NewIpModel final : public Model {
 public:
  NewIpModel(NewIpParameters parameters, std::uint64_t seed, Instant start);

  Interests interests() const override;
  Verdict consider(Encounter& encounter) override;
  double limit(const Subject& subject, Instant now) const override;
  std::uint64_t trips(const Subject& subject) const override;

 private:
  struct State {
    std::int64_t day = -1;
    std::uint64_t tried = 0;  // today
    std::uint64_t days = 0;   // that counted
    bool was_refused = false;
  };

  bool is_known(const State& state, const Subject& subject) const;
  void count_try(State& state, Instant now) const;

  NewIpParameters parameters_;
  SeededRandom random_;
  Instant start_;
  PerSlot<State> states_{State{}};
};

}  // namespace mailweir::world
