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
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "engine/engine_config.h"
#include "engine/engine_views.h"
#include "engine/forgotten.h"
#include "engine/message_facts.h"
#include "engine/order.h"
#include "engine/outcome.h"
#include "engine/path_hand.h"
#include "provider/catalogue.h"

namespace mailweir {
class Random;
}

namespace mailweir::engine {

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
  void on_session_connected(const SessionConnected& connected, Instant now);
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
  // One of the same id is replaced. Where the mail of the domain that it names goes is found out if
  // it is not known.
  void set_hand(PathHand hand, Instant now);
  bool remove_hand(std::uint64_t id, Instant now);
  std::vector<PathHand> hands() const;
  // Where mail of the domain goes, as far as is known without a look-up; empty: not known.
  std::string provider_of(std::string_view domain) const;
  // The paths meant, in use or kept by an earlier run; of an empty name every one.
  std::vector<PathName> known_paths(const PathName& wanted) const;
  // Forgets what was learned of these paths, of their hosts and networks; with every source also of
  // the provider's other cells. The spool still has it, until keep_anew() of the images' names: so
  // that the caller can first store what may be wanted back.
  Forgotten forget(const PathName& wanted, Instant now);
  void keep_anew(const std::vector<PathName>& names, Instant now);
  // Gives back an image of forget(), now so old, in place of what was learned since; but what is
  // held now stays held. What is not in use takes it up when it is, as from restore_path().
  void recall(const PathName& of, const std::string& image, Duration age, Instant now);
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
  std::vector<std::string> unusable_sources(Instant now) const;      // not on this machine
  std::vector<RecipientView> view(MessageId id, Instant now) const;  // O(recipients of the message)
  std::vector<RecipientView> list(const ListFilter& filter, MessageId after, std::size_t count,
                                  Instant now) const;  // id order, paged
  std::vector<FindingView> findings() const;           // O(what stands)
  const EngineConfig& config() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mailweir::engine
