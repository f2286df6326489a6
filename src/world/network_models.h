// Trouble below SMTP and around it: blocks of an address, hosts that are down, slowness. Formulas:
// docs/receiver-models.md.
#pragma once

#include "world/model.h"
#include "world/parameters.h"

namespace mailweir::world {

class NetworkBlockModel final : public Model {
 public:
  NetworkBlockModel(NetworkBlockParameters parameters, Instant start);

  Interests interests() const override { return {.steps = all_steps}; }
  Verdict consider(Encounter& encounter) override;
  double limit(const Subject& subject, Instant now) const override;
  bool is_penalized(const Subject& subject, Instant now) const override;
  std::uint64_t trips(const Subject& subject) const override;
  bool control(Receiver::Control what, const Subject& subject, Instant now) override;

 private:
  enum class Hand : std::uint8_t { none, blocks, unblocks };
  struct State {
    Hand hand = Hand::none;
    bool was_on = false;
    std::uint32_t trips = 0;
    Duration extension{};
  };

  bool is_on(const State& state, const Subject& subject, Instant now) const;
  Verdict at_step(Step step) const;

  NetworkBlockParameters parameters_;
  Instant start_;
  bool may_block_;  // false while it can concern nobody
  PerSlot<State> states_{State{}};
};

class OutageModel final : public Model {
 public:
  OutageModel(OutageParameters parameters, Instant start);

  Interests interests() const override;
  Verdict consider(Encounter& encounter) override;

 private:
  OutageParameters parameters_;
  Instant start_;
};

class TarpitModel final : public Model {
 public:
  explicit TarpitModel(TarpitParameters parameters) : parameters_(parameters) {}

  Interests interests() const override { return {.steps = all_steps}; }
  Verdict consider(Encounter& encounter) override;

 private:
  TarpitParameters parameters_;
};

}  // namespace mailweir::world
