// What the engine keeps of a queued message and of each of its recipients. A million may be parked:
// every byte counts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/ids.h"
#include "base/time.h"
#include "engine/intrusive_list.h"
#include "engine/timer_wheel.h"

namespace mailweir::engine {

// A time span after acceptance, in ms; spans beyond 49 days count as 49 days.
class Offset {
 public:
  Offset() = default;
  Offset(Instant from, Instant to) {
    if (to == never) return;
    const std::int64_t ms = (std::max<std::int64_t>(0, (to - from).count()) + 999) / 1000;
    ms_ = static_cast<std::uint32_t>(std::min<std::int64_t>(ms, unset - 1));
  }
  Instant from(Instant start) const {
    return ms_ == unset ? never : start + Duration(std::int64_t{ms_} * 1000);
  }

 private:
  static constexpr std::uint32_t unset = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t ms_ = unset;
};

struct Message {
  MessageId id{};
  Instant accepted{};
  Offset expires_after;
  Offset deadline_after;
  Links expiry;  // in the expiry wheel
  std::uint32_t first_recipient = no_index;
  // Names of Ledger, in 24 bits or 16; 0: none. The rest of the words is put to use.
  std::uint32_t sender_domain : 24 = 0;
  std::uint32_t pool : 8 = 0;
  std::uint32_t dkim_domain : 24 = 0;
  std::uint32_t magnitude : 5 = 0;  // bits of its size in octets
  bool expiry_scheduled : 1 = false;
  bool hold : 1 = false;    // what is in flight is held when it comes back
  bool remove : 1 = false;  // … is deleted when it comes back
  std::uint32_t tenant : 24 = 0;
  std::uint32_t message_class : 8 = 0;
  std::uint16_t campaign = 0;
  std::uint16_t expiry_bucket = 0;
  std::uint16_t recipients_total = 0;
  std::uint16_t recipients_left = 0;  // not settled yet

  Instant expires() const { return expires_after.from(accepted); }
  Instant deadline() const { return deadline_after.from(accepted); }
};

// Where a recipient is. Exactly one list, wheel or transaction holds it, as its stage says.
enum class Stage : std::uint8_t {
  entering,   // in none, on its way to the next
  routing,    // Domain::waiting
  ready,      // a Queue (`place`)
  deferred,   // the retry wheel
  held,       // none
  in_flight,  // a Transaction, reserved or ordered
  settled,    // none; the record stays until the message is finished
};

struct Recipient {
  Instant due{};  // next attempt; once ready: since when
  Links links;    // in the list or wheel that its stage names
  std::uint32_t message = 0;
  std::uint32_t next_of_message = no_index;
  std::uint32_t domain = 0;
  std::uint32_t place = no_index;  // queue, or bucket of the wheel
  std::uint32_t heap_child = no_index;
  std::uint16_t index = 0;  // in the envelope
  std::uint16_t attempts = 0;
  std::uint16_t reply_code = 0;
  std::uint16_t bound_to = 0xFFFF;  // source id: a greylister waits for this one; 0xFFFF: any
  Stage stage = Stage::entering;
  bool in_heap = false;       // of its queue, not in its line
  bool is_parked = false;     // deferred until its cell has a place, not for what it met itself
  std::uint8_t refusals = 0;  // that were about a path and cost no attempt; at most 255
};

static_assert(sizeof(Message) == 56 && sizeof(Recipient) == 48);

struct RetryTraits {
  static constexpr Links Recipient::* links = &Recipient::links;
  static std::uint32_t& bucket(Recipient& r) { return r.place; }
  static Instant due(const Recipient& r) { return r.due; }
};
using RetryWheel = TimerWheel<Recipient, RetryTraits>;

struct ExpiryTraits {
  static constexpr Links Message::* links = &Message::expiry;
  static std::uint16_t& bucket(Message& m) { return m.expiry_bucket; }
  static Instant due(const Message& m) { return m.expires(); }
};
using ExpiryWheel = TimerWheel<Message, ExpiryTraits>;

}  // namespace mailweir::engine
