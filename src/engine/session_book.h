// The SessionBook holds the sessions and transactions under way, and the lists they stand in: with
// room for a transaction, without work, waiting for a permit.
//
// It keeps the counts that hops and paths have of their sessions; nobody else changes them. What is
// done in a session, and why, is the Dispatcher's. Borrows all but its tables. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "engine/agenda.h"
#include "engine/ledger.h"
#include "engine/next_hop_table.h"
#include "engine/order.h"
#include "engine/path_table.h"
#include "engine/session_table.h"
#include "engine/settings.h"

namespace mailweir::engine {

class SessionBook {
 public:
  SessionBook(Ledger& ledger, NextHopTable& next_hops, PathTable& paths, const Settings& settings,
              Agenda& agenda, std::vector<Order>& orders)
      : ledger_(ledger),
        next_hops_(next_hops),
        paths_(paths),
        settings_(settings),
        agenda_(agenda),
        orders_(orders) {}

  Slab<Session> sessions;
  Slab<Transaction> transactions;

  // The index, or no_index if it is gone.
  std::uint32_t find(SessionId id) const;
  std::uint32_t find(TransactionId id) const;
  std::size_t alive() const { return alive_; }

  // --- a session's life
  std::uint32_t begin(std::uint32_t hop, std::uint32_t path, bool is_knock, Instant now);
  void opened(std::uint32_t session, std::string_view host);
  // What was opened for mail goes on without; what was reserved has been taken back.
  void make_knock(std::uint32_t session);
  void mark_hung(std::uint32_t session);
  // The next that was opened for mail so long ago that it hangs (hangs_after), each once; no_index:
  // none.
  std::uint32_t take_hanging(Instant now);
  Instant next_hanging() const;  // not before then
  // A reply came inside a transaction. Of its first the hop may gain trust.
  void answered(std::uint32_t session);
  // No more transactions in it. With `order_close` the session is told; without, it is known to end
  // by itself.
  void close(std::uint32_t session, bool order_close);
  void end(std::uint32_t session);  // its transactions are finished

  // --- its transactions
  // Takes recipients of one message, in Stage::entering, into a transaction.
  std::uint32_t begin_transaction(std::uint32_t session, std::span<const std::uint32_t> recipients);
  // Ends it and hands over its recipients, in order, in Stage::entering.
  std::vector<std::uint32_t> finish(std::uint32_t transaction, Instant now);
  // What had been reserved for a session that was opening is added to `taken`, backwards.
  void take_reserved(std::uint32_t session, std::vector<std::uint32_t>& taken, Instant now);

  // --- the lists of open sessions
  void list_free(std::uint32_t session);
  void list_idle(std::uint32_t session, Instant now);
  void unlist(std::uint32_t session);
  // It has room and work, but gets no permit before `until`; `never`: something else must change.
  void starve(std::uint32_t session, Instant until);
  // Those of the path that have been idle for long enough, unless they may be short soon.
  void close_idle(std::uint32_t path, Instant now);
  Duration idle_max(const Session& session) const;

  // Whether it has waited long for a reply: nothing more is queued behind it.
  bool hangs(const Session& session, Instant now) const;
  // One message of one session got no answer, while others of its hop did.
  bool hung_beside_others(std::uint32_t session, Instant now) const;

 private:
  void no_longer_opening(const Session& session);
  bool is_opening(SessionId id) const;
  std::uint32_t transactions_ahead(const Path& path) const;

  Ledger& ledger_;
  NextHopTable& next_hops_;
  PathTable& paths_;
  const Settings& settings_;
  Agenda& agenda_;
  std::vector<Order>& orders_;
  Serial<SessionId> session_serial_;
  Serial<TransactionId> transaction_serial_;
  std::size_t alive_ = 0;
  struct Opening {
    SessionId id;
    Instant hangs_at{};
  };
  std::deque<Opening>
      openings_;  // for mail, oldest first; those that have ended go as they reach the front
};

}  // namespace mailweir::engine
