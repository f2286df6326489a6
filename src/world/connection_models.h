// Limits of connections: how many at once, how many anew, how many messages in one. Formulas:
// docs/receiver-models.md.
#pragma once

#include "world/bucket_level.h"
#include "world/model.h"
#include "world/parameters.h"
#include "world/scope_slots.h"

namespace mailweir::world {

class ConnectionsModel final : public Model {
 public:
  explicit ConnectionsModel(ConnectionsParameters parameters);

  Interests interests() const override;
  Verdict consider(Encounter& encounter) override;
  void on_connected(Encounter& encounter) override;
  void on_left(Encounter& encounter) override;
  double limit(const Subject& subject, Instant now) const override;
  std::uint64_t trips(const Subject& subject) const override;

 private:
  struct State {
    std::uint32_t open = 0;
    std::uint32_t trips = 0;
    bool is_refusing = false;
  };

  ConnectionsParameters parameters_;
  ScopeSlots scope_;
  PerSlot<State> states_{State{}};
};

class ConnectionRateModel final : public Model {
 public:
  ConnectionRateModel(ConnectionRateParameters parameters, Instant start);

  Interests interests() const override;
  Verdict consider(Encounter& encounter) override;
  void on_connected(Encounter& encounter) override;
  std::uint64_t trips(const Subject& subject) const override;

 private:
  struct State {
    BucketLevel level;
    std::uint32_t trips = 0;
    bool is_refusing = false;
  };

  ConnectionRateParameters parameters_;
  ScopeSlots scope_;
  PerSlot<State> states_;
};

// Ends a session at the MAIL after its last message; no trip: reconnecting is allowed at once.
class SessionLengthModel final : public Model {
 public:
  explicit SessionLengthModel(SessionLengthParameters parameters);

  Interests interests() const override;
  Verdict consider(Encounter& encounter) override;

 private:
  SessionLengthParameters parameters_;
};

}  // namespace mailweir::world
