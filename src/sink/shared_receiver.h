// A SharedReceiver lets the sessions of several threads meet one world::Receiver: one lock around
// it, a clock beside it, and a tally of what each source IP was given.
//
// Thread-safe. The lock is held for one step of a model, which is far less than the system calls
// around it. It also keeps sources out at network level when told to, whatever the models say.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/clock.h"
#include "world/model.h"
#include "world/receiver.h"

namespace mailweir::sink {

std::string_view to_string(world::Step step);

// What one source IP was given so far.
struct SourceTally {
  std::uint64_t connections = 0;
  std::uint64_t open = 0;
  std::uint64_t messages = 0;
  std::uint64_t recipients = 0;
  std::uint64_t octets = 0;
  std::uint64_t transient = 0;  // 4xx replies
  std::uint64_t permanent = 0;  // 5xx replies
  std::uint64_t closed = 0;     // without a word
  std::uint64_t reset = 0;
  std::uint64_t silent = 0;
  std::array<std::uint64_t, world::step_count> refused_at{};  // by step: the sum of the five above
  std::string last_refusal;                  // "451 4.7.500 Server busy" or "reset"
  std::optional<world::Answer::Kind> block;  // close, reset or silence: kept out

  std::uint64_t refusals() const { return transient + permanent + closed + reset + silent; }
};

// A tally with the verdicts of the models at this moment.
struct SourceView {
  IpAddress source;
  SourceTally tally;
  double limit = world::unlimited;
  bool is_penalized = false;
  std::uint64_t trips = 0;
};

class SharedReceiver {
 public:
  // Sources beyond so many share the tally of 0.0.0.0.
  static constexpr std::size_t sources_max = 65'536;

  // One connection; only for the calls below, and for one of them at a time.
  struct Guest {
    world::Visit visit;
    SourceTally* tally = nullptr;
    bool is_known = false;  // the receiver has seen it: it must hear when it leaves
  };

  // Borrows `clock`.
  SharedReceiver(std::unique_ptr<world::Receiver> receiver, const runtime::Clock& clock);

  // The step of RFC 5321 the client has come to; leave() once at the end, whatever happened.
  world::Answer connect(Guest& guest, const IpAddress& source, std::uint16_t host);
  world::Answer ehlo(Guest& guest);
  world::Answer tls(Guest& guest);
  world::Answer mail(Guest& guest, std::string_view sender_domain);
  world::Answer rcpt(Guest& guest, std::string_view mailbox);
  world::Answer data(Guest& guest);
  world::Answer end_of_data(Guest& guest, const world::ContentFacts& content,
                            std::uint64_t recipients);
  void leave(Guest& guest);

  // False: no model knows such a thing.
  bool control(world::Receiver::Control what, const IpAddress& source);
  // Keeps a source out: every step, of sessions under way too, ends in `how` (close, reset,
  // silence). Empty: lets it in again.
  void block(const IpAddress& source, std::optional<world::Answer::Kind> how);

  std::vector<SourceView> sources() const;  // by address

 private:
  SourceTally& tally_of(const IpAddress& source);
  template <class Ask>
  world::Answer step(Guest& guest, world::Step step, Ask ask);
  static void count(SourceTally& tally, world::Step step, const world::Answer& answer);

  const runtime::Clock& clock_;
  mutable std::mutex mutex_;
  std::unique_ptr<world::Receiver> receiver_;
  std::map<IpAddress, SourceTally> tallies_;  // its elements stay where they are
};

// "451 4.7.500 Server busy", "reset"; empty for what is accepted.
std::string to_display(const world::Answer& answer);

}  // namespace mailweir::sink
