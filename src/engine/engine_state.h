// The parts an Engine is put together from. Only the engine_*.cc files include this.
#pragma once

#include <span>
#include <vector>

#include "engine/classify_outcome.h"
#include "engine/dispatcher.h"
#include "engine/engine.h"
#include "engine/judge_attempt.h"
#include "engine/ledger.h"
#include "engine/message_record.h"
#include "engine/next_hop_table.h"
#include "engine/path_doctor.h"
#include "engine/refused_mail.h"
#include "engine/router.h"
#include "engine/settings.h"

namespace mailweir::engine {

struct Engine::State {
  State(EngineConfig config, const provider::Catalogue& provider_catalogue, Random& random_source)
      : settings(std::move(config)),
        catalogue(provider_catalogue),
        next_hops(provider_catalogue, settings),
        ledger(orders),
        retries(ledger.recipients),
        expiries(ledger.messages),
        doctor(settings, next_hops, orders),
        dispatcher(ledger, next_hops, settings, doctor, retries, orders),
        router(ledger, next_hops, dispatcher, settings, orders),
        random(random_source) {}

  std::vector<Order> orders;
  Settings settings;
  const provider::Catalogue& catalogue;
  NextHopTable next_hops;
  Ledger ledger;
  RetryWheel retries;
  ExpiryWheel expiries;
  PathDoctor doctor;
  Dispatcher dispatcher;
  Router router;
  RefusedMail refused_mail;
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
  // The provider's cells that no single path has; of an empty name every provider's.
  void forget_cells(const std::string& provider, Forgotten& forgotten, Instant now);
  void tell_hosts(std::uint32_t session, std::string_view host,
                  std::span<const ConnectAttempt> failed, Instant now);
  void finish_session(std::uint32_t session, Instant now);
  void count(std::uint32_t path, RecipientAction action, Instant now);
  Judgement judge(const RecipientResult& result, const TransactionContext& context,
                  std::uint32_t path) const;
  const std::string& provider_key(std::uint32_t path) const;
  struct AttemptFacts {
    std::uint32_t path = no_index;
    const std::string* host = nullptr;
    double unit = 0.0;  // the transaction's jitter
  };
  void settle_attempt(std::uint32_t recipient, const RecipientResult& result,
                      const Judgement& judgement, const AttemptFacts& facts, Instant now);
  void defer_until(std::uint32_t recipient, const Cause& cause, Instant due, Instant now);
  // A refusal whose wait is the path's: no attempt is counted, but it is on record. It waits
  // for `rest` first.
  void requeue_refused(std::uint32_t recipient, const Cause& cause, Duration rest, Instant now);
  bool learns() const { return settings.config().pacing.learns; }

  // Holds what a diagnosis says is shut, and makes the knocks it asks for.
  void heed_diagnosis(Instant now);

  // Operators' hands have come or gone.
  void hands_changed(Instant now);
  void watch_hands();
  Instant hands_end = never;  // the next one's time is over

  struct Rows;
  Rows rows(QueueKey key) const;
};

}  // namespace mailweir::engine
