// The Relay is the loop that keeps mail moving: it accepts into the spool, feeds the engine,
// carries out its orders and records what came of them. It decides nothing about when and where;
// that is the engine's.
//
// Everything but accept(), admission() and the outcome callbacks happens on one IoThread, `thread`.
// Work of other threads comes in through an Inbox, many items a wake-up, so that a busy relay pays
// few of them.
//
// Promises: accept() calls back with an id only after the commit is durable; a recipient's end
// leaves the spool in the same commit that brings its DSN; every order of the engine is answered.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/units.h"
#include "delivery/delivery.h"
#include "engine/engine.h"
#include "intake/message_acceptor.h"
#include "relay/policy.h"
#include "runtime/clock.h"
#include "runtime/io_thread.h"
#include "runtime/resolver.h"
#include "spool/commit_queue.h"
#include "spool/spool.h"

namespace mailweir::relay {

class Recorder;

// Who acted, and why, for the event log.
struct OperatorNote {
  std::string by;
  std::string reason;
};

// Hands to be taken back: one by its id, or (id 0) every pause that lies within the paths named.
struct HandsWanted {
  std::uint64_t id = 0;
  std::string source;       // empty: every one
  std::string provider;     // its key, or what hands name it by
  std::string domain = {};  // not empty: also the hands that name this domain, whatever they bind
};

// What was forgotten by one order.
struct ForgottenPaths {
  engine::PathHand hand = {};  // that stands for it; its id is zero: nothing was known
  std::vector<engine::PathName> paths = {};
  std::vector<engine::PathName> cells = {};   // of no single path: "sender_domain example.com"
  std::vector<engine::PathName> slowed = {};  // on suspicion, until now; that does not come back
  std::size_t hosts = 0;                      // cells of single hosts
};

using HandsDone = std::function<void(Result<std::vector<engine::PathHand>>)>;
using ForgetDone = std::function<void(Result<ForgottenPaths>)>;

// More pauses and caps than this are refused: nobody would know any more what is in force.
inline constexpr std::size_t hands_max = 1000;
// Of more orders to forget than this the oldest can no longer be taken back.
inline constexpr std::size_t forgotten_max = 1000;

struct RelayOptions {
  std::string hostname;
  std::string postmaster;  // double bounces go there
  engine::EngineConfig engine;
  delivery::DeliveryOptions delivery;
  PolicyOptions policy;
  ByteCount cache_max{64ULL << 20};  // content kept in memory for first attempts
  ByteCount free_min{1ULL << 30};    // below this much free disk new mail is answered 452
  Duration dsn_retry{std::chrono::seconds(5)};  // until a DSN that found no room is tried again
};

// What the relay works with; all borrowed, all outlive it.
struct RelayPorts {
  const runtime::Clock& clock;
  Random& random;
  runtime::Resolver& resolver;
  spool::Spool& spool;
  spool::CommitQueue& commits;
  const provider::Catalogue& catalogue;
  Recorder& recorder;
  runtime::IoThread& thread;                   // the engine's
  runtime::IoThread& reader;                   // spool reads, which may wait for the disk
  std::vector<runtime::IoThread*> io_threads;  // deliveries
};

class Relay final : public intake::MessageAcceptor, public delivery::OutcomeReceiver {
 public:
  Relay(RelayOptions options, RelayPorts ports);
  ~Relay() override;

  // Brings back what the spool holds, while new mail is accepted already. `done` gets the number of
  // messages, on the thread.
  void restore(std::function<void(std::uint64_t messages, std::uint64_t corrupt)> done);

  // From any thread.
  std::optional<Reply> admission(std::uint64_t declared_size) override;
  void accept(intake::ReceivedMessage message,
              std::function<void(intake::AcceptResult)> done) override;
  void on_session_connected(engine::SessionConnected connected) override;
  void on_session_opened(engine::SessionOpened opened) override;
  void on_session_failed(engine::SessionFailed failed) override;
  void on_transaction_done(engine::TransactionDone done) override;
  void on_session_closed(engine::SessionClosed closed) override;

  // Every message accepted so far has a smaller id.
  MessageId next_id() const;

  // Runs `work` on the relay's thread with the engine; the orders it causes are carried out after
  // it.
  void with_engine(std::function<void(engine::Engine&, Instant now)> work);
  // A message and its content, read from memory or from the spool; `use` runs on the relay's
  // thread. Null when not even its envelope can be read.
  void with_message(MessageId id,
                    std::function<void(const std::shared_ptr<const delivery::QueuedMessage>&)> use);

  // --- operators' hands on paths: in force at once, durable when `done` is called, on any thread.
  // Gives each hand its id. `refused` beyond hands_max; another error: in force, but not kept.
  void set_hands(std::vector<engine::PathHand> hands, HandsDone done);
  // Answers with those taken back; none: there was no such hand. What was forgotten is given back.
  void remove_hands(HandsWanted wanted, OperatorNote note, HandsDone done);
  // Forgets what was learned of the paths; of an empty name every one. With an error it is
  // forgotten, but cannot be given back, and is known again after a restart.
  void forget_paths(engine::PathName wanted, OperatorNote note, ForgetDone done);

  void reconfigure(RelayOptions options);

  // Starts nothing new, lets transactions finish for at most `grace`, and returns when every
  // outcome has been taken in. New mail is refused from here on. Not from an IoThread.
  void stop(std::chrono::milliseconds grace);

  // How wall-clock and monotonic time stand to each other now; for views.
  UnixTime to_wall(Instant time) const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace mailweir::relay
