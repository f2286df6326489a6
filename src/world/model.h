// A Model is one mechanism of a receiver: a bucket, a penalty, a block list. A ReceiverStack asks
// its models in order and lets the first that refuses have its way.
//
// Two halves. consider() says whether this model lets the step pass; it may reserve a place for the
// message (Encounter::reserve), and then settle() tells it once what became of that: `true` when
// the whole stack accepted the message at its final dot. So a message that another model refuses
// uses up nobody's quota, and messages in flight at once can not pass a limit together. What counts
// attempts rather than messages (a penalty that attempts extend) counts in consider().
//
// Pure, seeded, not thread-safe. `now` never runs backwards.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/time.h"
#include "world/receiver.h"
#include "world/slot_table.h"
#include "world/wording.h"

namespace mailweir::world {

enum class Step : std::uint8_t { connect, ehlo, tls, mail, rcpt, data, end_of_data };
inline constexpr std::size_t step_count = 7;

// Steps as bits.
using StepSet = std::uint8_t;
constexpr StepSet only(Step step) {
  return static_cast<StepSet>(1U << static_cast<unsigned>(step));
}
inline constexpr StepSet all_steps = (1U << step_count) - 1;

// Why a step was refused, for the models that learn from it.
enum class Cause : std::uint8_t {
  none,
  rate,               // too much in some time
  connections,        // too many at once, too many anew, too long a session
  penalty,            // a punishment runs
  block,              // listed, or cut off
  unknown_recipient,  // no such mailbox
  recipient,          // full, busy, greylisted: this recipient alone
  host,               // the receiver's own trouble
};

struct Verdict {
  Answer::Kind kind = Answer::Kind::accept;
  Cause cause = Cause::none;
  const Wording* wording = nullptr;  // of a `reply`; the model's
  Duration delay{};
  bool drops_message = false;  // at the final dot: accepted, never delivered

  bool refuses() const { return kind != Answer::Kind::accept; }
};

// Whether a refusal is about the sender's ways, rather than a recipient, a message or a host.
constexpr bool is_about_path(Cause cause) {
  return cause == Cause::rate || cause == Cause::connections || cause == Cause::penalty ||
         cause == Cause::block;
}

inline Verdict refuse(const Wording& wording, Cause cause) {
  return {.kind = Answer::Kind::reply, .cause = cause, .wording = &wording};
}

// Who is asking, in the numbering of one receiver. no_slot: never seen.
struct Subject {
  IpAddress address;
  std::uint32_t source = no_slot;
  std::uint32_t network = no_slot;
};

// One step of one visit. A view: valid during the call.
struct Encounter {
  Step step;
  Visit& visit;
  Subject subject;
  Instant now;
  std::string_view mailbox;               // at rcpt
  const ContentFacts* content = nullptr;  // at end_of_data
  std::uint32_t bit = 0;                  // of the model that is asked

  bool has_reserved() const { return (visit.reserved & bit) != 0; }
  void reserve() { visit.reserved |= bit; }
  bool is_marked() const { return (visit.marked & bit) != 0; }
  void mark(bool on) { visit.marked = on ? visit.marked | bit : visit.marked & ~bit; }
};

class Model {
 public:
  // What the stack must tell this model of; nothing else costs time.
  struct Interests {
    StepSet steps = 0;         // consider()
    bool connections = false;  // on_connected(), on_left()
    bool outcomes = false;     // on_accepted(), on_refused()
    bool wording = false;      // reword()
  };

  virtual ~Model() = default;
  virtual Interests interests() const = 0;

  virtual Verdict consider(Encounter& encounter) = 0;
  virtual void settle(Encounter&, bool /*accepted*/) {}

  virtual void on_connected(Encounter&) {}
  virtual void on_left(Encounter&) {}

  // Of the whole stack: a message was accepted; a step was refused, by whichever model.
  virtual void on_accepted(Encounter&) {}
  virtual void on_refused(Encounter&, Cause) {}
  // Other words for a refusal of another model; null: they stand.
  virtual const Wording* reword(Cause) { return nullptr; }

  // --- as in Receiver
  virtual double limit(const Subject&, Instant) const { return unlimited; }
  virtual double room(const Subject& subject, Duration span, Instant now) const {
    return limit(subject, now) * std::chrono::duration<double>(span).count();
  }
  virtual void take(const Subject&, std::uint64_t /*messages*/, Instant) {}
  virtual bool is_penalized(const Subject&, Instant) const { return false; }
  virtual std::uint64_t trips(const Subject&) const { return 0; }
  virtual bool control(Receiver::Control, const Subject&, Instant) { return false; }
};

}  // namespace mailweir::world
