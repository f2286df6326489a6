// The book-keeping of the sessions we hold and the transactions ordered in them.
//
// Ids carry their slab index in the low bits and a serial above, so an outcome finds its record
// without a search and a late one is recognised; low bits differ between sessions that live at the
// same time, which spreads them over delivery's threads.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "base/time.h"
#include "engine/cell_table.h"
#include "engine/intrusive_list.h"
#include "engine/next_hop_table.h"
#include "pacing/pacer.h"

namespace mailweir::engine {

enum class SessionStage : std::uint8_t {
  free,  // the slot is unused
  opening,
  open,
  closing,  // takes no more transactions; those ordered may finish
};

// A reply that takes longer is no longer counted on.
inline constexpr Duration hangs_after = std::chrono::seconds(10);

struct Session {
  SessionId id{};
  std::string host;  // that answered
  std::uint32_t hop = no_index;
  std::uint32_t path = no_index;
  std::uint32_t started = 0;    // transactions, ever
  std::uint32_t answered = 0;   // transactions in which at least one reply came
  std::uint16_t in_flight = 0;  // transactions ordered and not yet answered
  SessionStage stage = SessionStage::free;
  bool close_ordered = false;
  bool is_knock = false;         // opened without mail: not in Hop::unanswered
  bool is_hung = false;          // opening for so long that its mail was taken back: in Hop::hung
  Trust trust = Trust::unknown;  // of its hop when it was opened
  bool starved = false;      // in Path::starved: has room and work, but the path gives no permit
  bool listed_free = false;  // in Hop::free_sessions
  bool listed_idle = false;  // in Path::idle
  ListEnds transactions;     // ordered or reserved, oldest first
  pacing::Grant grant;       // of the connection, for its first message
  std::uint32_t host_canary = no_index;  // the host cell whose canary it is, until that has ended
  Links free;                            // in Hop::free_sessions
  Links idle;                            // in Path::idle
  Instant idle_since{};
  Instant opened_at{};  // the connection was ordered
};

struct Transaction {
  TransactionId id{};
  std::uint32_t session = no_index;
  std::uint32_t message = no_index;
  ListEnds recipients;  // in the order they were ordered
  Links of_session;
  bool ordered = false;                // false: reserved for a session that is opening
  pacing::Grant grant;                 // if ordered
  std::uint32_t host_cell = no_index;  // if ordered, and its host has one
  CellsMet cells;                      // if ordered,
  Instant cells_begun{};               // since then
};

template <class IdType>
struct Serial {
  static constexpr unsigned index_bits = 24;

  IdType next(std::uint32_t index) { return IdType{++last << index_bits | index}; }
  static std::uint32_t index_of(IdType id) {
    return static_cast<std::uint32_t>(id.value & ((1U << index_bits) - 1));
  }

  std::uint64_t last = 0;
};

}  // namespace mailweir::engine
