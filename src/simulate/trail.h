// The Trail is the log of a run: every event as a short line, the same bytes for the same scenario
// and seed. The last lines are always at hand, for what a checker reports.
//
// A line is "SECONDS WORD fields…"; docs/simulator.md#the-event-log lists them. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "simulate/atlas.h"

namespace mailweir::simulate {

enum class Step : std::uint8_t {
  accept,   // message, first domain, class, recipients
  resolve,  // domain
  route,    // domain, failure
  open,     // session, path, host
  opened,   // session
  failed,   // session, failure, phase, reply code
  start,    // session, message, recipient (first), recipients
  done,     // message, recipient, phase, failure, reply code
  settle,   // message, recipient, disposition, attempts
  record,   // message, recipient, disposition, attempts
  close,    // session
  closed,   // session, failure
  flush,    // records
  crash,
  restart,  // messages restored
  fault_begins,
  fault_ends,
  notice,  // path or no_path, kind, reply code: what the sender tells people
};

// Of a notice that is about no one path.
inline constexpr std::uint32_t no_path = ~std::uint32_t{0};

// What a line is made of; which fields mean what depends on the step.
struct TrailEntry {
  Instant at{};
  std::uint64_t id = 0;  // message or session
  std::uint64_t more = 0;
  std::uint32_t place = 0;  // domain or path
  std::uint16_t index = 0;  // recipient, host
  std::uint16_t code = 0;
  Step step = Step::accept;
  std::uint8_t phase = 0;
  std::uint8_t failure = 0;
};

class Trail {
 public:
  using Sink = std::function<void(std::string_view)>;

  // Borrows `atlas` and `scenario`. Without a sink only the last entries are kept.
  Trail(const Scenario& scenario, const Atlas& atlas, Instant origin, Sink sink);
  ~Trail();
  Trail(const Trail&) = delete;
  Trail& operator=(const Trail&) = delete;

  void add(const TrailEntry& entry) {
    last_[next_++ % last_.size()] = entry;
    if (sink_) write(entry);
  }
  std::vector<std::string> last_lines() const;  // oldest first, at most 40

 private:
  void write(const TrailEntry& entry);
  void print(std::string& out, const TrailEntry& entry) const;

  const Scenario& scenario_;
  const Atlas& atlas_;
  Instant origin_;
  Sink sink_;
  std::string buffer_;
  std::array<TrailEntry, 40> last_{};
  std::uint64_t next_ = 0;
};

}  // namespace mailweir::simulate
