// The Pacer of one EgressPath gives permits for connections and messages: the operator's caps, and
// below them what the PathController has learned.
//
// An attempt is one message's transaction together with the connection it needs: who opens a
// connection takes the attempt's permit with it, and the first message of the session uses it.
//
// Pure: time is an argument and must not run backwards. A permit given is a permit used. Not
// thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/time.h"
#include "pacing/path_caps.h"
#include "pacing/path_controller.h"
#include "pacing/signal.h"
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
enum class Limit : std::uint8_t {
  none,
  paused,  // by an operator
  connections,
  connection_rate,
  message_rate,
  learned,  // the controller: PathController::state() says more
};

struct NextPermit {
  Limit limit = Limit::none;  // none: at once
  Instant at{};               // `never`: only when a connection or an attempt ends
  Rank lowest = Rank::bulk;   // of the attempts: what is less urgent may not start
  Binding binding = Binding::none;

  bool is_free() const { return limit == Limit::none; }
};

// Goes with an attempt from its permit to its end.
struct Grant {
  Instant at{};
  std::uint32_t in_flight = 0;  // attempts on the path, this one included; 0: no grant

  explicit operator bool() const { return in_flight > 0; }
};

struct PacerSettings {
  PathCaps caps;
  bool is_paused = false;                    // by an operator
  std::optional<LearningSettings> learning;  // none: the caps alone
};

class Pacer {
 public:
  Pacer(const PacerSettings& settings, Instant now);

  // --- attempts: what was learned. `ask` is for mail that waits, `peek` only looks.
  NextPermit peek_attempt(Instant now, const Demand& demand) const;
  NextPermit ask_attempt(Instant now, const Demand& demand);
  Grant begin_attempt(Instant now);
  Change end_attempt(const Grant& grant, Signal signal, bool first_try, Duration wait, Instant now);
  std::uint32_t attempts() const { return attempts_; }  // under way

  // --- connections and messages: the operator's caps.
  bool permit_connection(Instant now);
  void connection_ended();
  // Takes a permit to start one message.
  bool permit_message(Instant now);
  NextPermit next_connection(Instant now) const;
  NextPermit next_message(Instant now) const;

  // Whether forgetting this pacer would free no permit and lose nothing learned: no connection,
  // every rate has recovered in full, nothing was sent for a day and nothing is held.
  bool is_rested(Instant now) const;

  void on_outcome(Evidence evidence, Instant now);

  // Connections above a lowered cap stay until they end; what was learned stays.
  void set(const PacerSettings& settings, Instant now);
  const PathCaps& caps() const { return caps_; }
  bool is_paused() const { return is_paused_; }
  std::uint32_t connections() const { return connections_; }
  // By caps, and what the peer has taken so far.
  std::uint32_t connections_most() const;
  // Mail waits for a connection of this path, and all there may be are in use.
  void note_connections_short(Instant now);
  // The peer has refused some, and allows fewer than the caps do.
  bool is_short_of_connections() const;
  std::uint64_t count(Evidence evidence) const {
    return counts_[static_cast<std::size_t>(evidence)];
  }
  Instant last_outcome() const { return last_outcome_; }

  // Null without learning.
  const PathController* controller() const { return controller_ ? &*controller_ : nullptr; }
  PathController* controller() { return controller_ ? &*controller_ : nullptr; }
  void replace_controller(const PathController& controller) { controller_ = controller; }
  bool is_held() const { return controller_ && controller_->mode() == Mode::held; }

 private:
  PathCaps caps_;
  std::optional<TokenBucket> messages_;
  std::optional<TokenBucket> connects_;
  std::optional<PathController> controller_;
  std::uint32_t connections_ = 0;
  std::uint32_t attempts_ = 0;
  bool is_paused_ = false;
  std::array<std::uint64_t, evidence_kinds> counts_{};
  Instant last_outcome_{};
};

}  // namespace mailweir::pacing
