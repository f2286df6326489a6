// The Engine decides what is delivered next, over which path, and when again after a refusal.
//
// Pure and deterministic: no I/O, no clock, no thread, no randomness of its own. The same inputs in
// the same order give the same orders, byte for byte; the server and the simulator run this very
// class. Every method adds what must now be done to what take_orders() gives; the caller carries it
// out and feeds the outcomes back. Not thread-safe.
//
// Promises (docs/architecture.md#engine): a wait that is ours uses no attempt; an unreachable
// destination delays no other; the caps of a path are never exceeded; within a path higher classes
// go first with ageing, tenants share fairly, the earliest deadline leads within a class.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "engine/engine_config.h"
#include "engine/order.h"
#include "engine/outcome.h"
#include "engine/path_hand.h"
#include "pacing/pacer.h"
#include "provider/catalogue.h"

namespace mailweir {
class Random;
}

namespace mailweir::engine {

// A recipient as the engine is told of it, new or restored.
struct RecipientFacts {
  std::uint16_t recipient = 0;                    // index into the envelope
  std::string_view domain;                        // normalized; only used during the call
  Disposition disposition = Disposition::queued;  // queued, deferred or held
  std::uint16_t attempts = 0;
  Instant due{};  // not before this; the beginning of time: at once
  std::uint16_t reply_code = 0;
};

struct MessageFacts {
  MessageId id;
  std::string_view message_class;  // unknown names fall to the first class
  std::string_view tenant;
  std::string_view pool;           // empty: the class's
  std::string_view sender_domain;  // of the reverse-path; empty: null, or not known
  std::string_view dkim_domain;    // d= of its first signature; empty: none, or not known
  std::uint32_t size = 0;
  Instant accepted{};
  Instant not_before{};
  Instant expires = never;
  Instant deadline = never;
  std::span<const RecipientFacts> recipients;
  std::uint16_t recipients_total = 0;  // of the envelope, settled ones included
};

// Why a recipient is not on its way at this moment.
enum class WaitReason : std::uint8_t {
  none,           // in flight
  route,          // the MX look-up is under way
  not_before,     // the sender asked for a later time
  retry,          // deferred by a refusal; until `until`
  held,           // by an operator, or because its content cannot be read
  next_hop_down,  // the next hop could not be reached; next try `until`
  connection_cap,
  message_rate_cap,
  connection_rate_cap,
  learned_limit,  // of the path: what is sent now is what it is known to bear
  path_held,      // refused there; one canary at a time asks, the next `until`
  path_paused,    // by an operator
  turn,           // others go first: class, tenant, order of arrival
};
std::string_view to_string(WaitReason reason);

struct RecipientView {
  MessageId id;
  std::uint16_t recipient = 0;
  Disposition disposition = Disposition::queued;
  std::uint16_t attempts = 0;
  std::uint16_t reply_code = 0;
  std::string domain;
  std::string provider;  // empty until routed
  std::string message_class;
  std::string tenant;
  Instant accepted{};
  Instant due{};
  Instant expires{};
  WaitReason reason = WaitReason::none;
  Instant until{};
};

// One row of `mailweir queue`.
struct QueueRow {
  std::string key;  // provider, class, source, tenant or domain, as asked
  std::uint64_t ready = 0;
  std::uint64_t deferred = 0;
  std::uint64_t held = 0;
  std::uint64_t in_flight = 0;
  Instant oldest = never;  // accepted
};

struct PathView {
  std::string source;
  std::string provider;
  bool is_paused = false;                       // by an operator
  std::optional<pacing::LearnedState> learned;  // none: fixed caps alone
  std::uint32_t connections = 0;
  std::uint32_t in_flight = 0;
  std::uint64_t delivered = 0;
  std::uint64_t deferred = 0;
  std::uint64_t bounced = 0;
  pacing::PathCaps caps;
};

// Why a path is as fast as it is, and what comes next; forecasts are marked as such.
struct PathExplanation {
  std::string source;
  std::string provider;
  bool is_used = false;   // in this run of the process; else only configuration speaks
  pacing::PathCaps caps;  // hands included
  bool is_paused = false;
  std::vector<PathHand> hands;  // that cover it
  std::optional<pacing::LearnedState> learned;
  pacing::NextPermit next;  // for an urgent, else any message
  std::uint32_t connections = 0;
  std::uint32_t in_flight = 0;
  std::uint64_t waiting = 0;  // recipients ready for the provider, by any source
  // The last refusal, verbatim.
  Reply reply;
  std::string rule;
  std::string host;
  Phase phase = Phase::connect;
  Failure failure = Failure::none;
  Instant refused_at{};  // zero: never refused
  bool carries_others =
      false;  // a sibling is held: this path takes over no more than it has shown to bear
  Instant next_move = never;  // forecast: the next canary, or the next permit
  Duration
      drain{};  // forecast, at the present pace of all paths to the provider; zero: cannot tell
};

struct Totals {
  std::uint64_t messages = 0;
  std::uint64_t recipients = 0;
  std::uint64_t ready = 0;
  std::uint64_t deferred = 0;
  std::uint64_t held = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t sessions = 0;
  Instant oldest = never;
};

enum class QueueKey : std::uint8_t { provider, domain, message_class, tenant };

struct ListFilter {
  std::string provider;  // empty: any
  std::string domain;
  std::string message_class;
  std::string tenant;
  std::optional<Disposition> disposition;
};

class Engine {
 public:
  // Borrows `catalogue` and `random`, which outlive it.
  Engine(EngineConfig config, const provider::Catalogue& catalogue, Random& random);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // --- inputs: each may append orders
  void on_message(const MessageFacts& message, Instant now);  // accepted, or restored at start-up
  void on_route(const RouteFound& route, Instant now);
  void on_route_failed(const RouteFailed& failure, Instant now);
  void on_session_opened(const SessionOpened& opened, Instant now);
  void on_session_failed(const SessionFailed& failed, Instant now);
  void on_transaction_done(const TransactionDone& done, Instant now);
  void on_session_closed(const SessionClosed& closed, Instant now);
  void on_time(Instant now);  // due retries, expiries, rate permits
  void reconfigure(EngineConfig config,
                   Instant now);  // keeps every message; sources and classes are matched by name

  // --- the operator's hand; false: no such message, or nothing to do
  bool retry_now(MessageId id, Instant now);
  bool hold(MessageId id, Instant now);
  bool release(MessageId id, Instant now);
  bool remove(MessageId id, Instant now);  // settles what is not in flight as `deleted`
  void pause_all(
      Instant now);  // starts nothing new (shutdown, disk trouble); what is in flight may finish
  void resume_all(Instant now);

  // --- paths: what was learned, and the operator's hand on them (path_hand.h)
  // Kept by an earlier run (KeepPath), `age` ago; taken up when the path is first used.
  void restore_path(std::string source, std::string provider, std::string image, Duration age,
                    Instant now);
  void set_hand(PathHand hand, Instant now);  // one of the same id is replaced
  bool remove_hand(std::uint64_t id, Instant now);
  std::vector<PathHand> hands() const;
  // Forgets what was learned; false: the path is not in use and nothing was kept of it.
  bool forget_path(const std::string& source, const std::string& provider, Instant now);
  // Whether nothing but one canary at a time goes there.
  bool is_held(std::string_view source, std::string_view provider) const;
  PathExplanation explain(std::string_view source, std::string_view provider, Instant now) const;

  // When on_time() is wanted next; `never` when nothing waits for time.
  Instant next_wakeup() const;
  // Takes the orders accumulated since the last call.
  std::vector<Order> take_orders();

  // --- views; cost stated because a million may be queued
  Totals totals() const;  // O(1)
  std::vector<QueueRow> summary(
      QueueKey key) const;  // O(domains), and a walk in id order until each row's oldest is found
  std::vector<PathView> paths(Instant now) const;                    // O(paths)
  std::vector<RecipientView> view(MessageId id, Instant now) const;  // O(recipients of the message)
  std::vector<RecipientView> list(const ListFilter& filter, MessageId after, std::size_t count,
                                  Instant now) const;  // id order, paged
  const EngineConfig& config() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mailweir::engine
