// The EventQueue holds what will happen in the virtual world, by time; what is due at the same
// moment happens in the order it was planned.
//
// A 4-ary heap of plain 24-byte records: a day has tens of millions of events, so planning one
// costs neither an allocation nor a callable. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace mailweir::simulate {

enum class EventKind : std::uint8_t {
  arrival,       // target: workload
  flush,         // of the spool's lazy writes
  step,          // series
  window,        // spells of penalty
  fault_begins,  // target: fault
  fault_ends,
  restart,
  route_answer,  // target: domain; stamp: generation of the server
  // Of a connection (target), valid while its stamp is the same:
  server_connect,
  client_connected,
  server_ehlo,
  server_tls,
  server_envelope,
  server_content,
  server_content_and_envelope,
  server_goes_on,
  client_opened,
  client_attempt_failed,
  client_reply,
  client_lost,   // no reply in time
  client_reset,  // the network cut it
  client_quit_done,
};

struct Event {
  Instant at{};
  std::uint64_t order = 0;  // sequence and, in the lowest byte, kind
  std::uint32_t target = 0;
  std::uint32_t stamp = 0;

  EventKind kind() const { return static_cast<EventKind>(order & 0xFF); }
};
static_assert(sizeof(Event) == 24);

class EventQueue {
 public:
  void plan(Instant at, EventKind kind, std::uint32_t target = 0, std::uint32_t stamp = 0) {
    heap_.push_back({at, (sequence_++ << 8) | static_cast<std::uint8_t>(kind), target, stamp});
    rise(heap_.size() - 1);
  }

  Instant next() const { return heap_.empty() ? never : heap_.front().at; }
  std::uint64_t planned() const { return sequence_; }

  Event take() {
    const Event first = heap_.front();
    const Event last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink(last);
    return first;
  }

 private:
  static bool before(const Event& a, const Event& b) {
    return a.at != b.at ? a.at < b.at : a.order < b.order;
  }

  void rise(std::size_t at) {
    const Event event = heap_[at];
    while (at > 0) {
      const std::size_t parent = (at - 1) / 4;
      if (!before(event, heap_[parent])) break;
      heap_[at] = heap_[parent];
      at = parent;
    }
    heap_[at] = event;
  }

  // Puts `event` in the root's place.
  void sink(const Event& event) {
    std::size_t at = 0;
    while (true) {
      const std::size_t first = 4 * at + 1;
      if (first >= heap_.size()) break;
      std::size_t least = first;
      const std::size_t end = std::min(first + 4, heap_.size());
      for (std::size_t child = first + 1; child < end; ++child) {
        if (before(heap_[child], heap_[least])) least = child;
      }
      if (!before(heap_[least], event)) break;
      heap_[at] = heap_[least];
      at = least;
    }
    heap_[at] = event;
  }

  std::vector<Event> heap_;
  std::uint64_t sequence_ = 0;
};

}  // namespace mailweir::simulate
