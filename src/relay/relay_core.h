// Relay::Core: the relay's state and steps. Private to this folder. relay_core.cc takes things in,
// order_runner.cc carries orders out.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "relay/content_cache.h"
#include "relay/inbox.h"
#include "relay/kept_paths.h"
#include "relay/recorder.h"
#include "relay/relay.h"
#include "runtime/deadline.h"

namespace mailweir::relay {

using Entry = ContentCache::Entry;

// What the scan of the spool may be ahead of the engine, in chunks: a large queue is not held in
// memory twice.
inline constexpr std::ptrdiff_t restore_chunks_ahead = 4;

struct Work {
  std::function<void(engine::Engine&, Instant)> run;
};

// A message the spool has made durable.
struct Accepted {
  Entry message;
  std::string listener;
  std::string tls;
  std::string helo;
  std::vector<std::uint16_t> suppressed;
};

struct Restored {
  std::vector<spool::Recovered> messages;
};

using Input = std::variant<Accepted, Restored, engine::SessionConnected, engine::SessionOpened,
                           engine::SessionFailed, engine::TransactionDone, engine::SessionClosed,
                           engine::RouteFound, engine::RouteFailed, Work>;

class Relay::Core {
 public:
  Core(RelayOptions options, RelayPorts ports, delivery::OutcomeReceiver& outcomes);
  ~Core();

  void push(Input input) { inbox_.push(std::move(input)); }
  void restore(std::function<void(std::uint64_t, std::uint64_t)> done);
  std::optional<Reply> admission(std::uint64_t declared_size);
  void accept(intake::ReceivedMessage received, std::function<void(intake::AcceptResult)> done);
  void with_message(MessageId id, std::function<void(const Entry&)> use);
  void set_hands(std::vector<engine::PathHand> hands, HandsDone done, Instant now);
  void remove_hands(const HandsWanted& wanted, const OperatorNote& note, HandsDone done,
                    Instant now);
  void forget(const engine::PathName& wanted, const OperatorNote& note, ForgetDone done,
              Instant now);
  void reconfigure(RelayOptions options);
  void stop(std::chrono::milliseconds grace);
  UnixTime to_wall(Instant time) const;
  MessageId next_id() const { return MessageId{next_id_.load(std::memory_order_relaxed)}; }

 private:
  // A recipient's end, kept until the batch of orders is through, so that one message gets one DSN
  // a batch.
  struct Ended {
    std::vector<engine::Settle> recipients;
    bool message_finished = false;
  };
  struct SessionFacts {
    std::uint16_t source = 0;
    std::string provider;
    std::string host;
    std::string address;
    std::string tls;
    PathCounters* counters = nullptr;
    bool is_open = false;
    std::uint32_t reads_pending = 0;  // transactions whose content is still being read
    bool close_wanted = false;
  };
  // A message with outcomes in the round that is being worked off: told to the recorder when the
  // engine has judged them.
  struct Touched {
    Entry message;
    std::vector<std::pair<engine::TransactionDone, SessionFacts>> attempts;
    std::vector<RecipientOutcome> outcomes;
  };

  // The end of recipients, and the DSN about it (null: none is wanted), to be committed together.
  struct EndWithDsn {
    MessageId id;
    std::shared_ptr<const spool::CommitBatch> batch;
    Entry dsn;
  };

  // A message that owes DSNs stays in the spool until they are committed, so that a crash owes them
  // still.
  struct PendingEnds {
    std::uint32_t dsns = 0;     // composed or being composed, not yet committed
    std::optional<Ended> last;  // that ends the message, held back
  };

  void take(std::vector<Input>&& inputs);
  void take_one(Accepted& accepted, Instant now);
  void take_one(Restored& restored, Instant now);
  void restore_one(const spool::Recovered& found, const Policy& rules, Instant now);
  void settle_suppressed(const StoredMessage& message, std::span<const std::uint16_t> recipients,
                         bool message_finished);
  void take_one(engine::SessionConnected& connected, Instant now);
  void take_one(engine::SessionOpened& opened, Instant now);
  void take_one(engine::SessionFailed& failed, Instant now);
  void take_one(engine::TransactionDone& done, Instant now);
  void take_one(engine::SessionClosed& closed, Instant now);
  void take_one(engine::RouteFound& route, Instant now);
  void take_one(engine::RouteFailed& failed, Instant now);
  void take_one(Work& work, Instant now);

  void carry_out_orders(Instant now);
  void carry_out(engine::ResolveRoute& order);
  void carry_out(engine::OpenSession& order);
  void carry_out(engine::StartTransaction& order);
  void carry_out(engine::CloseSession& order);
  void carry_out(engine::RecordState& order);
  void carry_out(engine::Settle& order);
  void carry_out(engine::Notice& order);
  void carry_out(engine::KeepPath& order);
  void carry_out(const engine::KeepHand& order);
  void start_after_read(engine::StartTransaction order, Entry message, Instant now);
  void finish(MessageId id, Ended ended);
  void commit_with_dsn(MessageId id, const Ended& ended, const Entry& original);
  void commit_end(EndWithDsn end);
  void end_committed(MessageId id);
  void mark_settled(MessageId id, const Ended& ended);
  void commit_later(EndWithDsn end);
  void put_lazily(spool::SystemEntry entry);
  void submit_lazily();
  void append_end(spool::CommitBatch& batch, MessageId id, const Ended& ended) const;
  engine::MessageFacts facts_of(const StoredMessage& message,
                                std::span<const engine::RecipientFacts> recipients,
                                Instant now) const;
  PathFacts path_facts(const SessionFacts& session) const;
  void record_attempts();
  // Paths and hands (path_keeping.cc).
  void restore_paths();
  bool restore_hand(std::string_view key, std::string_view value, UnixTime wall, Instant now);
  void commit_hands(std::vector<spool::SystemEntry> entries, std::vector<engine::PathHand> hands,
                    HandsDone done);
  void end_hands(Instant now);
  // What was forgotten (path_forgetting.cc).
  struct ReadBack {
    std::vector<KeptPath> images;
    std::vector<std::string> keys;  // theirs, and of what could not be read
  };
  engine::PathHand forgetting_hand(const engine::PathName& wanted, const OperatorNote& note,
                                   Instant now);
  void tell_forgotten(const std::vector<engine::PathExplanation>& known,
                      const engine::Forgotten& forgotten, const engine::PathHand& hand);
  void make_way_for_forgotten(Instant now);
  void commit_forgotten(std::vector<spool::SystemEntry> entries,
                        std::vector<engine::PathName> names, ForgottenPaths answer,
                        ForgetDone done);
  void keep_forgotten(const std::vector<engine::PathName>& names, ForgottenPaths answer,
                      ForgetDone done, Instant now);
  void give_back(engine::PathHand hand, const OperatorNote& note, HandsDone done);
  void recall(const engine::PathHand& hand, const ReadBack& found, const OperatorNote& note,
              HandsDone done, Instant now);
  void read_forgotten_of(std::uint64_t hand, std::function<void(Result<ReadBack>, Instant)> use);
  void erase_forgotten(std::uint64_t hand);
  void erase_forgotten_without(const std::set<std::uint64_t>& hands);
  void watch_hands();
  void arm_timer();
  std::shared_ptr<const Policy> policy() const;
  MessageId new_id() { return MessageId{next_id_.fetch_add(1, std::memory_order_relaxed)}; }
  Entry read(MessageId id) const;  // on the reader's thread

  RelayOptions options_;
  RelayPorts ports_;
  engine::Engine engine_;
  delivery::Delivery delivery_;
  ContentCache cache_;
  Inbox<Input> inbox_;
  const MessageId first_id_;  // what is below was accepted by an earlier process
  std::atomic<std::uint64_t> next_id_;
  std::atomic<bool> refusing_ = false;  // stopping
  std::atomic<bool> disk_full_ = false;
  mutable std::mutex policy_mutex_;
  std::shared_ptr<const Policy> policy_;  // guarded by policy_mutex_

  // Of the thread alone.
  std::unordered_map<SessionId, SessionFacts> sessions_;
  std::unordered_map<TransactionId, Entry> in_flight_;
  std::unordered_map<MessageId, Touched> touched_;
  std::unordered_map<MessageId, Ended> ended_;
  spool::CommitBatch lazy_;  // states and removals of the round, committed together
  std::unordered_map<std::string, std::size_t> lazy_at_;  // by key, where in lazy_.system
  std::counting_semaphore<> restore_room_{
      restore_chunks_ahead};       // taken by the scan, chunk by chunk
  bool in_round_ = false;          // carry_out_orders() is running and will submit lazy_
  std::size_t reads_pending_ = 0;  // handed to the reader, not yet taken in again
  runtime::Timer timer_;
  Instant timer_at_ = never;
  std::unordered_map<MessageId, PendingEnds> pending_ends_;
  std::vector<EndWithDsn> waiting_ends_;  // found no room on the disk
  runtime::Timer dsn_timer_;              // runs while there are some
  bool is_stopped_ = false;
  std::uint64_t next_hand_ = 1;
  std::vector<engine::PathHand> timed_hands_;  // in force, with an end
  Instant hands_end_ = never;                  // of the first of them
};

}  // namespace mailweir::relay
