// The SessionHosts carry between sessions and the cells of the hosts they are connected to: what
// an opening or an attempt tells of a host, and what the host's cell lets a session do.
//
// A session to a host that gets held takes no more mail. Borrows all. Not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "engine/agenda.h"
#include "engine/cell_keeper.h"
#include "engine/host_keeper.h"
#include "engine/next_hop_table.h"
#include "engine/path_table.h"
#include "engine/session_book.h"

namespace mailweir::engine {

class SessionHosts {
 public:
  SessionHosts(HostKeeper& hosts, SessionBook& book, NextHopTable& next_hops, PathTable& paths,
               Agenda& agenda)
      : hosts_(hosts), book_(book), next_hops_(next_hops), paths_(paths), agenda_(agenda) {}

  struct Place {
    bool has_others = false;  // mail of the session could go to another host
    bool stands_out = false;  // its host is held, or not verified since
  };
  Place place(std::uint32_t session) const;

  // What an opening tells of single hosts: `host` let us in, those in `failed` before it did not.
  // `host` empty: none did, which says nothing of any one but the canary's.
  void met(std::uint32_t session, std::string_view host, std::span<const AttemptEnd> failed,
           Instant now);
  // The session's canary for its host proved nothing.
  void end_canary(Session& session, Instant now);
  // No message may start in a session to a held host but what asks it, or asks for the path.
  bool is_useless(const Session& session) const;
  // When the next message may start in the session as far as its host is concerned; `now` or
  // earlier: at once.
  Instant lets_start(const Session& session, pacing::Rank rank, Instant now);
  // The attempt counts for the session's host, if that has a cell; a canary's was begun with it.
  void begin(Session& session, Transaction& transaction, Instant now);
  // The end of a transaction, for its host.
  void ended(const CellsEnd& ended, const AttemptEnd& end, Instant now);

 private:
  void cell_ended(std::uint32_t cell, const AttemptEnd& end, Instant started, Instant now);
  void changed(std::uint32_t path, std::string_view host, pacing::Change change);

  HostKeeper& hosts_;
  SessionBook& book_;
  NextHopTable& next_hops_;
  PathTable& paths_;
  Agenda& agenda_;
};

}  // namespace mailweir::engine
