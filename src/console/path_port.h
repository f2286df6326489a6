// The PathPort is what may be asked about paths (one of our sources × one mailbox provider), and
// done to them. Part of the AdminPort; threading, `done` and errors as there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "console/moment.h"
#include "engine/engine.h"
#include "engine/path_hand.h"
#include "provider/unknown_refusals.h"

namespace mailweir::console {

// Names are those of a source and a provider's key; empty: every one.
struct PathQuery {
  std::string source;
  std::string provider;
  std::size_t count = 100;
};

struct ExplainedPath {
  engine::PathExplanation path;
  std::uint32_t siblings_open = 0;  // other paths in use to the provider
  std::uint32_t siblings_held = 0;
  std::uint32_t siblings_kept_back = 0;  // of the open ones: nothing may start there for a while
  std::optional<engine::HoldBeginning>
      hold_began;  // none: open, or it began before the server was started
};

// Held ones first, then paused, then ramping, then by what waits and what is in flight.
struct PathList {
  Moment moment;
  std::vector<ExplainedPath> paths;
  std::uint64_t total = 0;
  std::uint64_t held = 0;
};

// What binds mail that waits: the recipients asked for, and the paths that may carry it.
struct RecipientExplanation {
  struct Waiting {
    engine::RecipientView view;
    std::string mailbox;
    std::string reply_text;  // of the last attempt, verbatim
    std::string pool;        // in force
  };
  struct Place {
    std::string provider;
    std::string pool;
    std::vector<ExplainedPath> paths;
  };
  Moment moment;
  std::vector<Waiting> recipients;  // the first in the order of acceptance
  bool has_more = false;
  std::vector<Place> places;   // of those recipients whose provider is known
  std::uint64_t more = 0;      // recipients that wait and are not among those shown
  bool is_all_counted = true;  // false: there may be still more
  bool is_of_domain = false;   // asked for a whole domain
};

struct HandOrder {
  enum class Kind : std::uint8_t {
    pause,
    cap,
    slow  // to half of the present pace, or to `rate`
  };
  Kind kind = Kind::pause;
  std::string source;  // empty: every one
  std::string provider;
  std::optional<Rate> rate;
  std::optional<std::uint32_t> connections;
  std::optional<Duration> lasts;  // none: until it is taken back
  std::string reason;
  std::string actor;
};

// A path that `slow` has left as it is, since no pace of it is known.
struct PassedOver {
  std::string source;
  std::string provider;
  bool is_held = false;
};

struct HandList {
  Moment moment{};
  std::vector<engine::PathHand> hands{};
  std::vector<engine::PathHand> still_paused_by{};  // of a resume: pauses that reach further
  std::optional<std::uint64_t> covered{};           // of hands just set: paths in use under them
  std::vector<PassedOver> passed_over{};            // of a slow
};

// Who changes something of these paths, and why.
struct PathOrder {
  std::string source;  // empty: every one
  std::string provider;
  std::string reason;
  std::string actor;
};

struct ForgottenPaths {
  Moment moment{};
  engine::PathHand hand;  // whose undo gives it back
  std::vector<engine::PathName> paths;
  std::vector<engine::PathName> cells;  // of no single path: "sender_domain example.com"
  std::size_t hosts = 0;                // single hosts of which something was known
  // Slowed on suspicion until now: "tenant acme". That does not come back.
  std::vector<engine::PathName> slowed = {};
};

struct UnknownRefusalList {
  std::uint64_t total = 0;  // refusals; the entries are their texts
  std::vector<provider::UnknownRefusals::Entry> entries;
};

class PathPort {
 public:
  virtual ~PathPort() = default;

  virtual void paths(PathQuery query, Done<PathList> done) = 0;
  // `not_found` for a source or a provider that nobody knows.
  virtual void explain_path(std::string source, std::string provider, Done<PathList> done) = 0;
  // `target`: a message id, a recipient's address, or a domain; `not_found` when nothing waits.
  virtual void explain_recipient(std::string target, Done<RecipientExplanation> done) = 0;

  virtual void hands(Done<HandList> done) = 0;
  // `refused`: slow, and no pace is known to slow down from.
  virtual void set_hand(HandOrder order, Done<HandList> done) = 0;
  // Takes back every pause within the paths named.
  virtual void resume(PathOrder order, Done<HandList> done) = 0;
  // Of an order to forget, gives back what was known then; `refused`: some of it has been forgotten
  // again since, by an order that still stands.
  virtual void undo(std::uint64_t hand, PathOrder order, Done<HandList> done) = 0;
  // Of every source also what was learned of a provider's cells that no single path has;
  // `not_found`: nothing is known.
  virtual void forget(PathOrder order, Done<ForgottenPaths> done) = 0;

  virtual void unknown_refusals(Done<UnknownRefusalList> done) = 0;
};

}  // namespace mailweir::console
