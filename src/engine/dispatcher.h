// The Dispatcher matches what is ready with sessions: which recipients go next, over which session,
// and when to open or close one.
//
// Every change of state marks the hop or provider it concerns; run() then does everything that has
// become possible, and costs nothing for the rest. It knows permits and back-off, not what a reply
// means: that is classify_outcome.h and the engine. Its parts: the Agenda (what to look at), the
// SessionBook (what is under way), the Opener (who gets a connection), the MailChoice (which
// message goes next), the SessionHosts (what single hosts of a path tell).
//
// Not thread-safe; `now` never goes back.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/agenda.h"
#include "engine/cell_keeper.h"
#include "engine/host_keeper.h"
#include "engine/lanes.h"
#include "engine/ledger.h"
#include "engine/mail_choice.h"
#include "engine/next_hop_table.h"
#include "engine/opener.h"
#include "engine/order.h"
#include "engine/path_doctor.h"
#include "engine/path_table.h"
#include "engine/path_watch.h"
#include "engine/session_book.h"
#include "engine/session_hosts.h"
#include "engine/settings.h"
#include "engine/suspects.h"

namespace mailweir::engine {

class Dispatcher {
 public:
  Dispatcher(Ledger& ledger, NextHopTable& next_hops, const Settings& settings, PathDoctor& doctor,
             RetryWheel& retries, std::vector<Order>& orders);

  // --- recipients
  // Lines up a recipient in Stage::entering; `in_front`: it was taken out without an attempt.
  void enter(std::uint32_t recipient, std::uint32_t hop, Lanes::Entry entry);
  // Takes a ready recipient back; it is entering again.
  void withdraw(std::uint32_t recipient);

  // --- sessions and transactions
  SessionBook& book() { return book_; }
  SessionHosts& session_hosts() { return session_hosts_; }
  // What had been reserved for it, backwards, to be put in front again or whatever has overtaken
  // it.
  std::vector<std::uint32_t> opened(std::uint32_t session, std::string_view host, Instant now);
  // A reply came inside a transaction: the hop is alive.
  void answered(std::uint32_t session, Instant now);
  void ended(std::uint32_t session, Instant now);  // all its transactions are finished

  void note(std::uint32_t path, pacing::Evidence evidence, Instant now) {
    paths_[path].pacer->on_outcome(evidence, now);
  }

  // --- what the paths learn
  void attempt_ended(std::uint32_t path, const pacing::Grant& grant, const AttemptEnd& end,
                     Instant now);
  // A session that could not be opened, or was lost before it did anything, is an attempt too.
  void opening_failed(std::uint32_t session, const AttemptEnd& end, Instant now);
  // … and what narrower cells, and the session's host, learn from the same end.
  CellsEnd cells_of(std::uint32_t transaction) const;  // as yet nothing is concerned
  void cells_ended(const CellsEnd& ended, const AttemptEnd& end, const pacing::Grant& grant,
                   Instant now);
  CellKeeper& cells() { return cells_; }
  const CellKeeper& cells() const { return cells_; }
  const HostCells& hosts() const { return hosts_.cells; }
  // What binds the path: what it has learned, or what its network has, while that is not open.
  std::optional<pacing::LearnedState> learned_state(std::uint32_t path, Instant now) const;
  // A greylister lets it in from this path's source alone, while that is to be had.
  void bind(std::uint32_t recipient, std::uint32_t path);
  void recipient_bounced(std::uint32_t path, const Message& message) {
    suspects_.bounced(path, {message.tenant, message.campaign});
  }
  // Openings that hang hold their mail no longer, if it may go another way; it is handed over as
  // from opened().
  std::vector<std::uint32_t> take_back_hanging(Instant now);
  // A diagnosis says that the path is shut; what waited for its sessions comes back, as from
  // opened().
  std::vector<std::uint32_t> hold_path(std::uint32_t path, pacing::HoldCause cause,
                                       std::string_view why, Instant now);
  // Opens a session without mail, to see whether anybody answers; what is ready may use it. Caps
  // of connections, pauses and holds bind it; on an open path it needs no message's permit.
  // It goes to `host` first, if the hop has it. False: it may not be opened now.
  bool knock(std::uint16_t source, std::uint32_t hop, std::string_view host, Instant now);
  void forget_path(std::uint32_t path, Forgotten& forgotten, Instant now);
  // What was forgotten, or kept by an earlier run, is in force again; what waited for sessions that
  // may never open comes back in `reserved`, as from opened(). False: nothing of it is in use.
  bool recall(const PathName& of, const std::string& image, Instant as_of,
              std::vector<std::uint32_t>& reserved, Instant now);
  // Orders that what is known under that name now is kept.
  void keep(const PathName& of, Instant now);
  PathTable& path_table() { return paths_; }

  // --- trouble
  // A source could not reach the hop: true, and the hop rests, if none is left to try before that.
  bool source_failed_at(std::uint32_t session, Instant now);
  void hop_failed(std::uint32_t hop, Instant now);
  void source_failed(std::uint16_t source, Instant now) { opener_.source_failed(source, now); }
  bool is_unusable(std::uint16_t source, Instant now) const {
    return opener_.is_unusable(source, now);
  }
  void end_back_off(std::uint32_t hop);  // an operator wants it tried now
  // The hop takes no more than that many recipients a transaction.
  void limit_recipients(std::uint32_t hop, std::uint16_t most);

  void set_paused(bool paused);
  bool paused() const { return paused_; }

  // --- time
  Instant next_wake() const { return std::min(agenda_.next_wake(), book_.next_hanging()); }
  void wake(Instant now);
  void run(Instant now);

  // --- upkeep
  void mark(std::uint32_t hop) { agenda_.mark_hop(hop); }
  // A domain no longer routes to the hop.
  void unroute(std::uint32_t hop);
  void refresh_caps(std::uint32_t provider, Instant now) { paths_.refresh_caps(provider, now); }
  void refresh_all_caps(Instant now);
  // After a reload: caps anew; sessions from sources that are no longer configured end. Every ready
  // recipient is handed over, with its stage entering, to be lined up anew.
  std::vector<std::uint32_t> reconfigured(Instant now);
  // Forgets one provider that has been left, if its pacers are rested; and names, when they are
  // many.
  void sweep(Instant now);

  // --- views
  struct Wait {
    WaitReason reason = WaitReason::turn;
    Instant until{};
  };
  Wait explain(std::uint32_t queue, Instant now) const;
  const PathTable& paths() const { return paths_; }
  const Lanes& lanes() const { return lanes_; }
  std::uint32_t provider_of(const Recipient& recipient) const;  // no_index: not routed
  std::size_t sessions() const { return book_.alive(); }

 private:
  // dispatcher_feed.cc: recipients into sessions
  void feed(std::uint32_t hop, Instant now);
  enum class Fed : std::uint8_t { started, parked, no_work, no_permit, yielded };
  Fed feed_once(std::uint32_t session, Instant now);
  void unbind_if_shut(std::uint32_t recipient, std::uint32_t hop);
  void unbind_all(std::uint32_t path);
  void drop_stale_grant(std::uint32_t session, Instant now);
  bool has_permit(const Session& session, const pacing::NextPermit& permit,
                  std::uint32_t queue) const;
  void serve_starved(std::uint32_t path, Instant now);
  pacing::Demand starved_demand(const Path& path) const;
  std::size_t next_starved(const Path& path, const pacing::NextPermit& permit, Instant now);
  bool should_yield(const Session& session, std::uint32_t queue, bool is_tight, Instant now);
  void start(std::uint32_t session, std::uint32_t queue, Instant now);
  std::uint32_t make_transaction(std::uint32_t session, std::uint32_t queue, Instant now);
  void collect_siblings(std::uint32_t queue, std::uint32_t first, std::size_t most);

  // dispatcher_cells.cc: what is narrower than a path
  bool park_blocked(std::uint32_t queue, Instant now);
  void adopt_cells(std::uint32_t provider, Instant now);

  // dispatcher_connect.cc: sessions to hops, for mail and without
  void connect(std::uint32_t provider, Instant now);
  void open(std::uint32_t queue, std::uint16_t source, Instant now);
  // What the session is opened for, if not for mail.
  struct Aim {
    bool is_knock = false;
    std::string host;                      // to be tried first; empty: any
    std::uint32_t host_canary = no_index;  // it is the canary of this cell's host
  };
  bool knock(std::uint16_t source, std::uint32_t hop, Aim aim, Instant now);
  std::uint32_t begin_session(std::uint32_t hop, std::uint16_t source, Aim aim, Instant now);
  bool has_other_sources(std::uint32_t path, Instant now) const;
  void give_back_openings(std::uint32_t path, std::vector<std::uint32_t>& reserved, Instant now);
  void make_knock(std::uint32_t session, std::vector<std::uint32_t>& taken, Instant now);
  void make_room(std::uint32_t provider, Instant now);
  void visit_hosts(std::uint32_t hop, Instant now);

  void look_after(std::uint32_t path, Instant now);
  void mode_changed(std::uint32_t path, pacing::Change change, Instant now);
  void forget_if_unused(std::uint32_t hop);
  void forget_names();

  Ledger& ledger_;
  NextHopTable& next_hops_;
  const Settings& settings_;
  PathDoctor& doctor_;
  std::vector<Order>& orders_;
  RetryWheel& retries_;
  Lanes lanes_;
  PathTable paths_;
  Agenda agenda_;
  SessionBook book_;
  Suspects suspects_;
  PathWatch watch_;
  CellKeeper cells_;
  HostKeeper hosts_;
  SessionHosts session_hosts_;
  MailChoice choice_;
  Opener opener_;
  std::vector<std::uint32_t> left_providers_;  // without hops, not yet forgotten
  std::vector<std::uint32_t> siblings_;        // scratch of collect_siblings()
  bool paused_ = false;
};

}  // namespace mailweir::engine
