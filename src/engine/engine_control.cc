// The operator's hand.
#include "base/assert.h"
#include "engine/engine_state.h"

namespace mailweir::engine {

bool Engine::retry_now(MessageId id, Instant now) {
  State& s = *state_;
  const std::uint32_t m = s.ledger.find(id);
  if (m == no_index) return false;
  bool any = false;
  for (const std::uint32_t r : s.ledger.unsettled(m)) {
    Recipient& recipient = s.ledger.recipients[r];
    if (recipient.stage == Stage::deferred) {
      s.withdraw(r);
      recipient.due = now;
      s.make_ready(r, Lanes::Entry::behind, now);
      any = true;
    }
    if (recipient.stage != Stage::ready) continue;
    const std::uint32_t hop = s.dispatcher.lanes().queues[recipient.place].hop;
    if (s.next_hops.hops[hop].open_not_before > now) {
      s.dispatcher.end_back_off(hop);
      any = true;
    }
  }
  s.dispatcher.run(now);
  return any;
}

bool Engine::hold(MessageId id, Instant now) {
  State& s = *state_;
  const std::uint32_t m = s.ledger.find(id);
  if (m == no_index || s.ledger.messages[m].hold) return false;
  s.ledger.messages[m].hold = true;
  for (const std::uint32_t r : s.ledger.unsettled(m)) {
    const Stage stage = s.ledger.recipients[r].stage;
    if (stage == Stage::held || stage == Stage::in_flight) continue;
    s.withdraw(r);
    s.hold(r);
    s.ledger.record(r, Disposition::held, Cause{});
  }
  s.dispatcher.run(now);
  return true;
}

bool Engine::release(MessageId id, Instant now) {
  State& s = *state_;
  const std::uint32_t m = s.ledger.find(id);
  if (m == no_index) return false;
  bool any = s.ledger.messages[m].hold;
  s.ledger.messages[m].hold = false;
  for (const std::uint32_t r : s.ledger.unsettled(m)) {
    Recipient& recipient = s.ledger.recipients[r];
    if (recipient.stage != Stage::held) continue;
    any = true;
    s.withdraw(r);
    // A retry's wait is given up with the hold; what the sender asked to wait for is not.
    const bool waits = recipient.attempts == 0 && recipient.due > now;
    if (!waits) recipient.due = now;
    if (s.overtaken(r, Cause{}, now)) continue;
    s.ledger.record(r, recipient.attempts == 0 ? Disposition::queued : Disposition::deferred,
                    Cause{});
    if (waits) {
      s.wait_until_due(r);
    } else {
      s.make_ready(r, Lanes::Entry::behind, now);
    }
  }
  s.dispatcher.run(now);
  return any;
}

bool Engine::remove(MessageId id, Instant now) {
  State& s = *state_;
  const std::uint32_t m = s.ledger.find(id);
  if (m == no_index || s.ledger.messages[m].remove) return false;
  s.ledger.messages[m].remove = true;
  for (const std::uint32_t r : s.ledger.unsettled(m)) {
    const Stage stage = s.ledger.recipients[r].stage;
    if (stage == Stage::in_flight) continue;
    s.withdraw(r);
    s.settle(r, Disposition::deleted, Cause{}, now);
  }
  s.dispatcher.run(now);
  return true;
}

void Engine::pause_all(Instant) {
  state_->dispatcher.set_paused(true);
}

void Engine::resume_all(Instant now) {
  State& s = *state_;
  s.dispatcher.set_paused(false);
  s.router.resume(now);
  s.dispatcher.wake(now);
  s.dispatcher.run(now);
}

void Engine::reconfigure(EngineConfig config, Instant now) {
  State& s = *state_;
  s.settings.replace(std::move(config));
  if (!s.learns()) s.doctor.forget_all();
  s.router.reconfigured(now);
  // Pools of classes, and routes, may have changed: everything ready finds its queue again, in its
  // old order.
  for (const std::uint32_t r : s.dispatcher.reconfigured(now))
    s.make_ready(r, Lanes::Entry::behind, now);
  s.dispatcher.run(now);
}

}  // namespace mailweir::engine
