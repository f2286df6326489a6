// The Recorder turns what happened into events and metrics: the one place that writes both, so that
// they agree.
//
// Used from the relay's thread, but for unreadable(). Never fails and never blocks: the event log
// drops rather than stops mail. Every recipient gets exactly one `disposition` event at its end, so
// that accepted = settled + queued can be audited from the log.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "delivery/delivery.h"
#include "engine/engine.h"
#include "engine/order.h"
#include "engine/outcome.h"
#include "operations/event_log.h"
#include "operations/metric_set.h"
#include "relay/path_recorder.h"
#include "runtime/clock.h"
#include "spool/spool.h"

namespace mailweir::relay {

// The counters of one egress path, looked up once a session.
struct PathCounters {
  operations::Counter& delivered;
  operations::Counter& deferred;
  operations::Counter& bounced;
  operations::Counter& attempts_delivered;
  operations::Counter& attempts_deferred;
  operations::Counter& attempts_bounced;
  operations::Counter& connections_total;
  operations::Gauge& connections;
};

// Over which path something happened; views into the session's facts.
struct PathFacts {
  std::string_view source;
  std::string_view source_address;
  std::string_view provider;
  std::string_view host;
  std::string_view address;
  std::string_view tls;
  PathCounters* counters = nullptr;
};

// What became of a recipient after an attempt.
struct RecipientOutcome {
  std::uint16_t recipient = 0;
  Disposition disposition = Disposition::queued;
  std::uint16_t attempts = 0;
  UnixTime due{};
};

// Counted since the start of the process; recipients, but for the first.
struct RecordedTotals {
  std::uint64_t messages_accepted = 0;
  std::uint64_t recipients_accepted = 0;
  std::uint64_t delivered = 0;
  std::uint64_t deferrals = 0;
  std::uint64_t bounced = 0;
  std::uint64_t expired = 0;
  std::uint64_t suppressed = 0;
  std::uint64_t deleted = 0;
};

class Recorder {
 public:
  // Borrows all of them.
  Recorder(operations::EventLog& log, operations::Metrics& metrics, const runtime::Clock& clock);

  PathCounters& path(std::string_view provider, std::string_view source);

  void received(const delivery::QueuedMessage& message, std::string_view listener,
                std::string_view helo, std::string_view tls);
  // `outcomes` holds those of the transaction's recipients that were given a new state.
  void attempt(const engine::TransactionDone& done, const delivery::QueuedMessage& message,
               const PathFacts& path, std::span<const RecipientOutcome> outcomes);
  // A recipient put off without a transaction: its next hop could not be reached, or its route not
  // found.
  void deferred(const engine::RecordState& state, UnixTime due,
                const delivery::QueuedMessage& message);
  void disposition(const engine::Settle& settle, const delivery::QueuedMessage& message);

  void session_opened(const PathFacts& path);
  void session_closed(const PathFacts& path, const engine::SessionClosed& closed);
  void connection_failed(const engine::ConnectAttempt& attempt, const PathFacts& path);
  void route_failed(const engine::RouteFailed& failed);

  void dsn_composed(MessageId original, const delivery::QueuedMessage& dsn,
                    std::span<const std::string_view> failed);
  void operator_acted(operations::OperatorAction action, MessageId id, std::string_view by,
                      std::string_view reason);
  void disk_full(bool full, const spool::Usage& usage, std::uint64_t free_min);
  // A record or content that fails its check. From any thread.
  void unreadable(MessageId id, const Error& error);

  // Brings the queue's gauges up to date; called when the metrics are read.
  void queue(const engine::Totals& totals, std::span<const engine::QueueRow> by_class, Instant now);
  const RecordedTotals& totals() const { return totals_; }
  PathRecorder& paths() { return path_recorder_; }

 private:
  void count_end(Disposition disposition, std::string_view message_class);
  UnixTime now() const { return clock_.wall_now(); }

  operations::EventLog& log_;
  operations::Metrics& metrics_;
  const runtime::Clock& clock_;
  std::map<std::pair<std::string, std::string>, PathCounters, std::less<>> paths_;
  std::map<std::string, operations::Histogram*, std::less<>> delivery_times_;  // by class
  RecordedTotals totals_;
  PathRecorder path_recorder_;
  Instant disk_full_since_{};
};

}  // namespace mailweir::relay
