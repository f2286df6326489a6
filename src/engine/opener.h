// The Opener says whether a path may have one more connection, who gets the next one of a provider,
// and from which source.
//
// It keeps the line of those that wait for a connection, and sees to it that they are asked again
// when one may be opened. Opening is the Dispatcher's. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/agenda.h"
#include "engine/connection_line.h"
#include "engine/host_keeper.h"
#include "engine/lanes.h"
#include "engine/mail_choice.h"
#include "engine/next_hop_table.h"
#include "engine/path_table.h"
#include "engine/settings.h"

namespace mailweir::engine {

// Whether a path may have one more connection.
struct Opening {
  enum class Answer : std::uint8_t {
    yes,
    only_first,
    no
  };  // only_first: if the hop has no session yet
  Answer answer = Answer::yes;
  pacing::Limit limit = pacing::Limit::none;  // that forbids it, if a limit does
  bool is_held = false;                       // … because nothing but a canary may go there
  Instant at = never;               // when to ask again; never: after a connection has ended
  bool is_source_unusable = false;  // … because the source's address is not to be had
};

class Opener {
 public:
  // Borrows all.
  Opener(NextHopTable& next_hops, PathTable& paths, Lanes& lanes, const CellTable& cells,
         const HostKeeper& hosts, const MailChoice& choice, const Settings& settings,
         Agenda& agenda)
      : next_hops_(next_hops),
        paths_(paths),
        lanes_(lanes),
        cells_(cells),
        hosts_(hosts),
        choice_(choice),
        settings_(settings),
        agenda_(agenda),
        line_(lanes, next_hops) {}

  // --- the line
  // The queue has got mail, or has none any more.
  void has_mail(std::uint32_t queue);
  void has_none(std::uint32_t queue) { line_.leave(queue); }
  // The hop joins the line or leaves it, as it wants another session or not.
  void update_line(std::uint32_t hop, Instant now);
  void leave_line(std::uint32_t hop);
  bool wants_session(std::uint32_t hop, Instant now);

  // --- who is next, and from where
  // Something has changed at the provider: whoever waits there may be asked again.
  void begin_round(std::uint32_t provider);
  // Whose turn it is, as far as any source may open a connection for it; its front wants one. Null:
  // nobody, and who waits will be asked again.
  WaitGroup* next_group(std::uint32_t provider, Instant now);
  // Ends the turn of the group, whose front goes to `hop`. The source it got: the one with the
  // fewest connections to the provider, then the one used least; nothing: none can serve it now.
  std::optional<std::uint16_t> take_turn(WaitGroup& group, std::uint32_t hop, Instant now);
  // For which queue a connection that is the canary itself is opened, if `queue` is the most
  // urgent.
  std::uint32_t canary_in_line(std::uint32_t queue, std::uint16_t source, Instant now);
  // The most urgent group that waits for a connection which `path` could give to another hop than
  // `own_hop`; null if none.
  const WaitGroup* rival(const Path& path, std::uint32_t own_hop, Instant now);
  std::uint32_t front(const WaitGroup& group) const { return line_.front(group); }
  std::int64_t urgency(const WaitGroup& group, Instant now) const {
    return line_.urgency(group, now);
  }

  // --- one path
  Opening opening(std::uint16_t source, std::uint32_t provider, Trust trust, pacing::Rank rank,
                  Instant now) const;
  // The source itself cannot be used; left alone for a while.
  void source_failed(std::uint16_t source, Instant now);
  void source_works(std::uint16_t source);
  // Whether it failed the last time, as far as is known.
  bool is_unusable(std::uint16_t source, Instant now) const;

 private:
  pacing::Demand demand_of(const Path& path, pacing::Rank rank) const;
  WaitGroup* best_group(std::uint32_t provider, Instant now);
  bool may_open_any(const WaitGroup& group, std::uint32_t provider, Instant now);
  void arm_openings(const WaitGroup& group, std::uint32_t provider, Instant now);
  std::optional<std::uint16_t> choose_source(const WaitGroup& group, std::uint32_t hop,
                                             Instant now) const;
  void arm_hosts(const WaitGroup& group, std::uint32_t hop, Instant now);

  NextHopTable& next_hops_;
  PathTable& paths_;
  Lanes& lanes_;
  const CellTable& cells_;
  const HostKeeper& hosts_;
  const MailChoice& choice_;
  const Settings& settings_;
  Agenda& agenda_;
  ConnectionLine line_;
  std::uint64_t turns_ = 0;                  // of groups, ever
  std::vector<Instant> source_usable_from_;  // by source id
};

}  // namespace mailweir::engine
