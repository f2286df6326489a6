#include "relay/recorder.h"

#include <algorithm>

namespace mailweir::relay {
namespace {

const engine::RecipientResult* result_of(const engine::TransactionDone& done,
                                         std::uint16_t recipient) {
  const auto found =
      std::ranges::find(done.results, recipient, &engine::RecipientResult::recipient);
  return found == done.results.end() ? nullptr : &*found;
}

std::string_view text_of(engine::Failure failure) {
  return failure == engine::Failure::none ? std::string_view() : to_string(failure);
}

const Reply* reply_or_null(const Reply& reply) {
  return reply.code == 0 ? nullptr : &reply;
}

bool fared_alike(const RecipientOutcome& a, const engine::RecipientResult& a_result,
                 const RecipientOutcome& b, const engine::RecipientResult& b_result) {
  return a.disposition == b.disposition && a.attempts == b.attempts &&
         a_result.phase == b_result.phase && a_result.failure == b_result.failure &&
         a_result.reply == b_result.reply;
}

std::string_view address_of(const delivery::QueuedMessage& message, std::uint16_t recipient) {
  const auto& recipients = message.message.envelope.recipients;
  return recipient < recipients.size() ? std::string_view(recipients[recipient].mailbox.text())
                                       : std::string_view();
}

}  // namespace

Recorder::Recorder(operations::EventLog& log, operations::Metrics& metrics,
                   const runtime::Clock& clock)
    : log_(log), metrics_(metrics), clock_(clock), path_recorder_(log, metrics, clock) {}

PathCounters& Recorder::path(std::string_view provider, std::string_view source) {
  std::pair<std::string, std::string> key(provider, source);
  if (const auto found = paths_.find(key); found != paths_.end()) return found->second;
  return paths_
      .emplace(std::move(key), PathCounters{metrics_.delivered.with({provider, source}),
                                            metrics_.deferred.with({provider, source}),
                                            metrics_.bounced.with({provider, source}),
                                            metrics_.attempts.with({provider, source, "delivered"}),
                                            metrics_.attempts.with({provider, source, "deferred"}),
                                            metrics_.attempts.with({provider, source, "bounced"}),
                                            metrics_.connections_total.with({provider, source}),
                                            metrics_.connections.with({provider, source})})
      .first->second;
}

void Recorder::received(const delivery::QueuedMessage& message, std::string_view listener,
                        std::string_view helo, std::string_view tls) {
  const StoredMessage& stored = message.message;
  const std::string_view client(stored.client);
  log_.record(stored.received_at,
              operations::MessageReceived{.id = stored.id,
                                          .client = client.substr(0, client.rfind(" [")),
                                          .helo = helo,
                                          .tls = tls,
                                          .listener = listener,
                                          .sender = stored.envelope.reverse_path.text(),
                                          .recipients = stored.envelope.recipients,
                                          .size_bytes = stored.body_size,
                                          .message_class = stored.message_class,
                                          .tenant = stored.tenant,
                                          .campaign = stored.campaign});
  totals_.messages_accepted += 1;
  totals_.recipients_accepted += stored.envelope.recipients.size();
  metrics_.received.with({stored.message_class}).add();
  metrics_.received_recipients.with({stored.message_class}).add(stored.envelope.recipients.size());
  metrics_.received_bytes.only().add(stored.body_size);
}

void Recorder::attempt(const engine::TransactionDone& done, const delivery::QueuedMessage& message,
                       const PathFacts& path, std::span<const RecipientOutcome> outcomes) {
  std::vector<operations::TimedPhase> timings;
  timings.reserve(done.timings.size());
  for (const engine::PhaseTiming& timing : done.timings)
    timings.push_back({timing.phase, timing.elapsed});

  std::vector<bool> told(outcomes.size());
  for (std::size_t first = 0; first < outcomes.size(); ++first) {
    const engine::RecipientResult* result =
        told[first] ? nullptr : result_of(done, outcomes[first].recipient);
    if (result == nullptr) continue;
    std::vector<std::string_view> alike;
    for (std::size_t i = first; i < outcomes.size(); ++i) {
      const engine::RecipientResult* other =
          told[i] ? nullptr : result_of(done, outcomes[i].recipient);
      if (other == nullptr || !fared_alike(outcomes[first], *result, outcomes[i], *other)) continue;
      told[i] = true;
      alike.push_back(address_of(message, outcomes[i].recipient));
    }
    const RecipientOutcome& outcome = outcomes[first];
    const bool delivered = outcome.disposition == Disposition::delivered;
    operations::Attempt event{.id = done.message,
                              .recipients = alike,
                              .source = path.source,
                              .source_address = path.source_address,
                              .provider = path.provider,
                              .host = path.host,
                              .address = path.address,
                              .tls = path.tls,
                              .phase = result->phase,
                              .outcome = outcome.disposition,
                              .failure = text_of(result->failure),
                              .reply = reply_or_null(result->reply),
                              .attempt = outcome.attempts,
                              .timings = timings};
    if (outcome.disposition == Disposition::deferred) event.next_due = outcome.due;
    if (!delivered) event.transcript = done.transcript;
    log_.record(now(), event);
    const auto count = static_cast<std::uint64_t>(alike.size());
    if (outcome.disposition == Disposition::deferred) totals_.deferrals += count;
    if (path.counters == nullptr) continue;
    if (delivered) {
      path.counters->delivered.add(count);
      path.counters->attempts_delivered.add(count);
    } else if (outcome.disposition == Disposition::bounced) {
      path.counters->bounced.add(count);
      path.counters->attempts_bounced.add(count);
    } else {
      path.counters->deferred.add(count);
      path.counters->attempts_deferred.add(count);
    }
  }
}

void Recorder::deferred(const engine::RecordState& state, UnixTime due,
                        const delivery::QueuedMessage& message) {
  const std::string_view recipient = address_of(message, state.recipient);
  totals_.deferrals += 1;
  log_.record(now(), operations::Attempt{.id = state.message,
                                         .recipients = {&recipient, 1},
                                         .phase = state.phase,
                                         .outcome = state.disposition,
                                         .failure = text_of(state.failure),
                                         .reply = reply_or_null(state.reply),
                                         .attempt = state.attempts,
                                         .next_due = due});
}

void Recorder::disposition(const engine::Settle& settle, const delivery::QueuedMessage& message) {
  const UnixTime time = now();
  log_.record(time, operations::RecipientSettled{.id = settle.message,
                                                 .recipient = address_of(message, settle.recipient),
                                                 .disposition = settle.disposition,
                                                 .attempts = settle.attempts,
                                                 .failure = text_of(settle.failure),
                                                 .reply = reply_or_null(settle.reply)});
  count_end(settle.disposition, message.message.message_class);
  if (settle.disposition != Disposition::delivered) return;
  const std::string& klass = message.message.message_class;
  auto found = delivery_times_.find(klass);
  if (found == delivery_times_.end()) {
    found = delivery_times_.emplace(klass, &metrics_.delivery_time.with({klass})).first;
  }
  found->second->observe(time - message.message.received_at);
}

void Recorder::count_end(Disposition disposition, std::string_view message_class) {
  switch (disposition) {
    case Disposition::delivered:
      totals_.delivered += 1;
      break;
    case Disposition::bounced:
      totals_.bounced += 1;
      break;
    case Disposition::expired:
      totals_.expired += 1;
      metrics_.expired.with({message_class}).add();
      break;
    case Disposition::suppressed:
      totals_.suppressed += 1;
      break;
    case Disposition::deleted:
      totals_.deleted += 1;
      break;
    case Disposition::queued:
    case Disposition::deferred:
    case Disposition::held:
      break;
  }
}

void Recorder::queue(const engine::Totals& totals, std::span<const engine::QueueRow> by_class,
                     Instant now) {
  metrics_.queue_messages.only().set(static_cast<double>(totals.messages));
  metrics_.queue.with({"ready"}).set(static_cast<double>(totals.ready));
  metrics_.queue.with({"deferred"}).set(static_cast<double>(totals.deferred));
  metrics_.queue.with({"held"}).set(static_cast<double>(totals.held));
  metrics_.queue.with({"in_flight"}).set(static_cast<double>(totals.in_flight));
  for (const engine::QueueRow& row : by_class) {
    const Duration age = row.oldest == never ? Duration::zero() : now - row.oldest;
    metrics_.oldest.with({row.key}).set(std::chrono::duration<double>(age).count());
  }
}

void Recorder::session_opened(const PathFacts& path) {
  if (path.counters == nullptr) return;
  path.counters->connections_total.add();
  path.counters->connections.set(path.counters->connections.value() + 1);
}

void Recorder::session_closed(const PathFacts& path, const engine::SessionClosed& closed) {
  if (path.counters != nullptr)
    path.counters->connections.set(path.counters->connections.value() - 1);
  if (closed.failure == engine::Failure::none || closed.failure == engine::Failure::cancelled)
    return;
  metrics_.connection_failures.with({to_string(Phase::idle), to_string(closed.failure)}).add();
}

void Recorder::connection_failed(const engine::ConnectAttempt& attempt, const PathFacts& path) {
  log_.record(now(), operations::ConnectionFailed{.source = path.source,
                                                  .source_address = path.source_address,
                                                  .provider = path.provider,
                                                  .host = attempt.host,
                                                  .address = attempt.address,
                                                  .phase = attempt.phase,
                                                  .failure = text_of(attempt.failure),
                                                  .reply = reply_or_null(attempt.reply),
                                                  .elapsed = attempt.elapsed,
                                                  .transcript = attempt.transcript});
  metrics_.connection_failures.with({to_string(attempt.phase), to_string(attempt.failure)}).add();
}

void Recorder::route_failed(const engine::RouteFailed& failed) {
  log_.record(now(), operations::RouteLookupFailed{.domain = failed.domain,
                                                   .failure = to_string(failed.failure),
                                                   .detail = failed.detail});
}

void Recorder::dsn_composed(MessageId original, const delivery::QueuedMessage& dsn,
                            std::span<const std::string_view> failed) {
  log_.record(now(), operations::DsnSent{.id = original,
                                         .dsn = dsn.message.id,
                                         .recipient = address_of(dsn, 0),
                                         .failed = failed});
  metrics_.dsns.only().add();
}

void Recorder::operator_acted(operations::OperatorAction action, MessageId id, std::string_view by,
                              std::string_view reason) {
  log_.record(now(),
              operations::OperatorActed{.action = action, .id = id, .by = by, .reason = reason});
}

void Recorder::disk_full(bool full, const spool::Usage& usage, std::uint64_t free_min) {
  if (full) {
    disk_full_since_ = clock_.now();
    log_.record(now(),
                operations::SpoolFull{.bytes_free = usage.bytes_free, .bytes_free_min = free_min});
  } else {
    log_.record(now(), operations::SpoolRecovered{.bytes_free = usage.bytes_free,
                                                  .lasted = clock_.now() - disk_full_since_});
  }
}

void Recorder::unreadable(MessageId id, const Error& error) {
  log_.record(now(), operations::MessageUnreadable{
                         .id = id, .error = to_string(error.code), .detail = error.context});
}

}  // namespace mailweir::relay
