#include "engine/engine.h"

#include <algorithm>

#include "base/assert.h"
#include "base/random.h"
#include "engine/engine_state.h"
#include "engine/retry_schedule.h"

namespace mailweir::engine {

Engine::Engine(EngineConfig config, const provider::Catalogue& catalogue, Random& random)
    : state_(std::make_unique<State>(std::move(config), catalogue, random)) {}
Engine::~Engine() = default;

void Engine::State::make_ready(std::uint32_t r, Lanes::Entry entry, Instant now) {
  router.route(r, entry, now);
}

void Engine::State::wait_until_due(std::uint32_t r) {
  ledger.recipients[r].is_parked = false;
  ledger.move(r, Stage::deferred);
  retries.schedule(r);
}

void Engine::State::hold(std::uint32_t r) {
  ledger.move(r, Stage::held);
}

void Engine::State::withdraw(std::uint32_t r) {
  switch (ledger.recipients[r].stage) {
    case Stage::routing:
      router.withdraw(r);
      return;
    case Stage::ready:
      dispatcher.withdraw(r);
      return;
    case Stage::deferred:
      retries.cancel(r);
      ledger.move(r, Stage::entering);
      return;
    case Stage::held:
      ledger.move(r, Stage::entering);
      return;
    case Stage::entering:
      return;
    case Stage::in_flight:
    case Stage::settled:
      WEIR_ASSERT(false);
  }
}

void Engine::State::settle(std::uint32_t r, Disposition disposition, const Cause& cause,
                           Instant now) {
  const std::uint32_t m = ledger.recipients[r].message;
  if (!ledger.settle(r, disposition, cause, now)) return;
  if (ledger.messages[m].expiry_scheduled) expiries.cancel(m);
  ledger.release(m);
}

bool Engine::State::overtaken(std::uint32_t r, const Cause& cause, Instant now) {
  const Message& message = ledger.messages[ledger.recipients[r].message];
  if (message.remove) {
    settle(r, Disposition::deleted, cause, now);
    return true;
  }
  if (message.hold) {
    hold(r);
    ledger.record(r, Disposition::held, cause);
    return true;
  }
  if (message.expires() <= now) {
    settle(r, Disposition::expired, cause, now);
    return true;
  }
  return false;
}

void Engine::State::defer(std::uint32_t r, const Cause& cause, double unit, Instant now) {
  const auto attempts = static_cast<std::uint16_t>(
      std::min<std::uint32_t>(0xFFFF, ledger.recipients[r].attempts + 1U));
  defer_until(r, cause, now + retry_wait(settings.config().retry, attempts, unit), now);
}

void Engine::State::defer_until(std::uint32_t r, const Cause& cause, Instant due, Instant now) {
  Recipient& recipient = ledger.recipients[r];
  if (recipient.attempts < 0xFFFF) ++recipient.attempts;
  recipient.reply_code = cause.reply == nullptr ? std::uint16_t{0} : cause.reply->code;
  recipient.due = due;
  if (overtaken(r, cause, now)) return;
  ledger.record(r, Disposition::deferred, cause);
  wait_until_due(r);
}

void Engine::State::requeue(std::uint32_t r, Instant now) {
  if (overtaken(r, Cause{}, now)) return;
  make_ready(r, Lanes::Entry::in_front, now);
}

void Engine::State::enter_first_stage(std::uint32_t r, const RecipientFacts& facts, Instant now) {
  Recipient& recipient = ledger.recipients[r];
  const Instant due = std::max(facts.due, recipient.due);
  if (facts.disposition == Disposition::held) {
    hold(r);
  } else if (overtaken(r, Cause{}, now)) {
    return;
  } else if (due > now) {
    wait_until_due(r);
  } else {
    // Its place in the line is by the time it was due; what never waited begins now.
    recipient.due = due == Instant{} ? now : due;
    make_ready(r, Lanes::Entry::behind, now);
  }
}

void Engine::on_message(const MessageFacts& facts, Instant now) {
  WEIR_ASSERT(!facts.recipients.empty());
  State& s = *state_;
  const Ledger::Kind kind{s.settings.class_id(facts.message_class), s.settings.pool_id(facts.pool)};
  const std::uint32_t m = s.ledger.add(facts, kind);
  if (facts.expires != never) {
    s.expiries.schedule(m);
    s.ledger.messages[m].expiry_scheduled = true;
  }
  std::size_t i = 0;
  s.ledger.each_recipient(m, [&](std::uint32_t r) {
    s.ledger.recipients[r].due = std::max(s.ledger.recipients[r].due, facts.not_before);
    s.enter_first_stage(r, facts.recipients[i++], now);
  });
  s.router.sweep(now);
  s.dispatcher.sweep(now);
  s.dispatcher.run(now);
}

void Engine::State::expire(std::uint32_t m, Instant now) {
  ledger.messages[m].expiry_scheduled = false;
  // Held recipients wait for the operator; those in flight expire when they come back.
  for (const std::uint32_t r : ledger.unsettled(m)) {
    const Stage stage = ledger.recipients[r].stage;
    if (stage == Stage::held || stage == Stage::in_flight) continue;
    withdraw(r);
    settle(r, Disposition::expired, Cause{}, now);
  }
}

void Engine::on_time(Instant now) {
  State& s = *state_;
  s.fired.clear();
  s.expiries.advance(now, s.fired);
  for (const std::uint32_t m : s.fired) s.expire(m, now);
  s.fired.clear();
  s.retries.advance(now, s.fired);
  for (const std::uint32_t r : s.fired) {
    s.ledger.move(r, Stage::entering);
    s.make_ready(r, Lanes::Entry::behind, now);
  }
  if (s.hands_end <= now) {
    s.dispatcher.path_table().expire_hands(now);
    s.hands_changed(now);
  }
  s.router.on_time(now);
  s.doctor.on_time(now);
  s.heed_diagnosis(now);
  for (const std::uint32_t r : s.dispatcher.take_back_hanging(now)) s.requeue(r, now);
  s.dispatcher.wake(now);
  s.dispatcher.run(now);
}

Instant Engine::next_wakeup() const {
  return std::min({state_->doctor.next_wakeup(), state_->retries.next(), state_->expiries.next(),
                   state_->dispatcher.next_wake(), state_->router.next_wakeup(),
                   state_->hands_end});
}

std::vector<Order> Engine::take_orders() {
  return std::exchange(state_->orders, {});
}

const EngineConfig& Engine::config() const {
  return state_->settings.config();
}

}  // namespace mailweir::engine
