// The Pacer of one EgressPath gives permits for connections and messages and learns what came of
// them.
//
// Pure: time is an argument and must not run backwards. A permit given is a permit used. Not
// thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "pacing/path_caps.h"
#include "pacing/token_bucket.h"

namespace mailweir::pacing {

// What an outcome says about the path or the recipient; the engine judges, the pacer counts.
enum class Evidence : std::uint8_t {
  connected,
  connect_failed,      // no address of the next hop took us on
  connection_dropped,  // the peer ended a session on its own
  recipient_delivered,
  recipient_deferred,
  recipient_bounced,
};
inline constexpr std::size_t evidence_kinds = 6;

// Why no permit is given at this moment.
enum class Limit : std::uint8_t { none, connections, connection_rate, message_rate };

struct NextPermit {
  Limit limit = Limit::none;  // none: at once
  Instant at{};               // `never`: only when a connection ends
};

class Pacer {
 public:
  explicit Pacer(const PathCaps& caps);

  // Takes a permit to open a connection; each is returned by connection_ended().
  bool permit_connection(Instant now);
  void connection_ended();
  // Takes a permit to start one message.
  bool permit_message(Instant now);

  NextPermit next_connection(Instant now) const;
  NextPermit next_message(Instant now) const;

  // Whether forgetting this pacer would free no permit: no connection, and every rate has recovered
  // in full.
  bool is_rested(Instant now) const;

  void on_outcome(Evidence evidence, Instant now);

  // Connections above a lowered cap stay until they end.
  void set_caps(const PathCaps& caps, Instant now);
  const PathCaps& caps() const { return caps_; }
  std::uint32_t connections() const { return connections_; }
  std::uint64_t count(Evidence evidence) const {
    return counts_[static_cast<std::size_t>(evidence)];
  }
  Instant last_outcome() const { return last_outcome_; }

 private:
  PathCaps caps_;
  std::optional<TokenBucket> messages_;
  std::optional<TokenBucket> connects_;
  std::uint32_t connections_ = 0;
  std::array<std::uint64_t, evidence_kinds> counts_{};
  Instant last_outcome_{};
};

}  // namespace mailweir::pacing
