// RefusedMail remembers which messages were refused as if the path were throttled or listed, to
// tell a refusal that meets one message from one that meets its path.
//
// A reply can be misread: a filter's words about one message sound like a limit. Whoever else gets
// through is the proof: where a path accepted other mail between two refusals of one message, it is
// the message that is refused. What is refused by half proves as much by chance: there it takes
// more. And what one path refused as listed is a poor witness against the next: the first time
// nothing is made of it, the next message will tell.
//
// Bounded: of many messages the oldest is forgotten. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "engine/path_table.h"
#include "pacing/pacer.h"

namespace mailweir::engine {

class RefusedMail {
 public:
  enum class Concerns : std::uint8_t {
    path,
    unsure,   // it was refused elsewhere before, and may be so anywhere
    message,  // and no other
  };
  // A path refused the message, with `signal` by what it said. One call a transaction.
  Concerns refused(MessageId message, std::uint32_t path, const Path& its, pacing::Signal signal,
                   Instant now);

 private:
  struct Place {
    std::uint32_t path = no_index;
    std::uint8_t between = 0;  // refusals with mail of others accepted since the one before
    bool was_unsure = false;
    bool was_listed = false;  // once, not merely throttled
    Instant at{};             // the last
  };
  struct Entry {
    std::vector<Place> places;
  };
  Entry& entry_of(MessageId message);

  std::unordered_map<std::uint64_t, Entry> entries_;
  std::deque<std::uint64_t> by_age_;
};

}  // namespace mailweir::engine
