// The parts an Engine is put together from. Only the engine_*.cc files include this.
#pragma once

#include <vector>

#include "engine/classify_outcome.h"
#include "engine/dispatcher.h"
#include "engine/engine.h"
#include "engine/ledger.h"
#include "engine/message_record.h"
#include "engine/next_hop_table.h"
#include "engine/router.h"
#include "engine/settings.h"

namespace mailweir::engine {

struct Engine::State {
  State(EngineConfig config, const provider::Catalogue& catalogue, Random& random_source)
      : settings(std::move(config)),
        next_hops(catalogue, settings),
        ledger(orders),
        retries(ledger.recipients),
        expiries(ledger.messages),
        dispatcher(ledger, next_hops, settings, orders),
        router(ledger, next_hops, dispatcher, settings, orders),
        random(random_source) {}

  std::vector<Order> orders;
  Settings settings;
  NextHopTable next_hops;
  Ledger ledger;
  RetryWheel retries;
  ExpiryWheel expiries;
  Dispatcher dispatcher;
  Router router;
  Random& random;
  std::vector<std::uint32_t> fired;  // scratch of on_time()

  // --- moves of one recipient; each expects Stage::entering unless it says otherwise
  void make_ready(std::uint32_t recipient, Lanes::Entry entry, Instant now);
  void wait_until_due(std::uint32_t recipient);
  void hold(std::uint32_t recipient);
  // An attempt failed for now: counts it and schedules the next, or ends what may not wait.
  // Recipients of one transaction share `unit`, the jitter, so that they travel together again.
  void defer(std::uint32_t recipient, const Cause& cause, double unit, Instant now);
  // Goes on as before, without an attempt counted.
  void requeue(std::uint32_t recipient, Instant now);
  void settle(std::uint32_t recipient, Disposition disposition, const Cause& cause, Instant now);
  // Whatever has taken hold of it in the meantime: its message was held, removed or has expired.
  // True: it has been dealt with.
  bool overtaken(std::uint32_t recipient, const Cause& cause, Instant now);
  // From any stage but in_flight and settled to entering.
  void withdraw(std::uint32_t recipient);

  void enter_first_stage(std::uint32_t recipient, const RecipientFacts& facts, Instant now);
  void apply(std::uint32_t recipient, RecipientAction action, const Cause& cause, double unit,
             Instant now);
  void expire(std::uint32_t message, Instant now);
  void finish_session(std::uint32_t session, Instant now);
  void count(std::uint32_t path, RecipientAction action, Instant now);

  struct Rows;
  Rows rows(QueueKey key) const;
};

}  // namespace mailweir::engine
