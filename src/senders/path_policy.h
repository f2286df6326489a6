// A PathPolicy decides how one path of a baseline is used: when a transaction may start, how many
// at once, and when a refused message is tried again. Everything else (queues, sessions,
// book-keeping) is Baseline's.
//
// A path is one source IP × one destination; what a destination is says Habits::destination. Pure;
// time is an argument that never runs backwards.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/time.h"
#include "engine/outcome.h"

namespace mailweir::senders {

struct Load {
  std::uint32_t in_flight = 0;  // transactions ordered, those that wait for their session included
};

// What came of one attempt, as a path sees it.
struct PathEvent {
  enum class Kind : std::uint8_t {
    delivered,
    refused,       // a 4yz or 5yz about the message or a recipient
    site_failure,  // no session, or it was lost: connect, banner, EHLO, TLS, silence
  };
  Kind kind = Kind::delivered;
  Phase phase = Phase::end_of_data;
  const Reply* reply = nullptr;  // null: none came
  Instant started{};             // when the attempt was ordered
};

struct Waiting {
  Duration age{};              // since it was accepted
  std::uint32_t attempts = 0;  // refused so far, this time included
};

class PathPolicy {
 public:
  virtual ~PathPolicy() = default;

  // Transactions that may be under way at once.
  virtual std::uint32_t concurrency(Instant now) const = 0;
  // When the next may start: `now` or earlier if at once.
  virtual Instant next_start(Instant now) = 0;
  virtual void on_start(Load load, Instant now) = 0;
  virtual void on_event(const PathEvent& event, Load load, Instant now) = 0;
  // How long a refused message rests.
  virtual Duration retry_after(const Waiting& waiting, Instant now) const = 0;
  // Until when nothing is sent and what is queued here is put off; `now` or earlier: it is open.
  virtual Instant suspended_until(Instant /*now*/) const { return {}; }
  // Whether a session that has done its work waits for more.
  virtual bool keeps_session(Load /*load*/, Instant /*now*/) { return true; }
};

using MakePolicy = std::function<std::unique_ptr<PathPolicy>()>;

// How a product goes about everything but pacing.
struct Habits {
  enum class Destination : std::uint8_t { domain, mx_set, provider };
  Destination destination = Destination::provider;
  bool chooses_source_again = false;  // at each attempt; else a message keeps its source
  bool avoids_suspended = false;      // a suspended source is passed over, if another is open
  std::uint32_t active_limit = 0;     // messages of a source in the active queue; 0: no limit
  Duration queue_run{};  // what is due waits for the next multiple of this; zero: it does not
  std::uint32_t messages_per_session = 100;
  Duration session_idle{std::chrono::seconds(5)};
  Duration session_age{std::chrono::hours(1)};
};

}  // namespace mailweir::senders
