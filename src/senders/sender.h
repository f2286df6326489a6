// A Sender is a mail server under test in virtual time: ours (the engine itself) or a baseline that
// behaves as another one does. It speaks the engine's own language of orders and outcomes, so that
// the virtual network serves all of them alike.
//
// Deterministic; time is an argument that never runs backwards. Every method may add orders; the
// caller takes them after each call, carries them out in their order, and feeds back what came of
// them. A sender ends each recipient with exactly one engine::Settle. Not thread-safe.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace mailweir::senders {

class Sender {
 public:
  virtual ~Sender() = default;

  virtual void on_message(const engine::MessageFacts& message, Instant now) = 0;
  virtual void on_route(const engine::RouteFound& route, Instant now) = 0;
  virtual void on_route_failed(const engine::RouteFailed& failure, Instant now) = 0;
  virtual void on_session_connected(const engine::SessionConnected& /*connected*/,
                                    Instant /*now*/) {}
  virtual void on_session_opened(const engine::SessionOpened& opened, Instant now) = 0;
  virtual void on_session_failed(const engine::SessionFailed& failed, Instant now) = 0;
  virtual void on_transaction_done(const engine::TransactionDone& done, Instant now) = 0;
  virtual void on_session_closed(const engine::SessionClosed& closed, Instant now) = 0;
  virtual void on_time(Instant now) = 0;
  virtual Instant next_wakeup() const = 0;  // `never`: nothing waits for time
  virtual std::vector<engine::Order> take_orders() = 0;

  // Whether the sender holds the path, named as in the scenario, at this moment: nothing but one
  // probe at a time goes there. The simulator holds it to that.
  virtual bool holds(std::uint16_t /*source*/, std::string_view /*provider*/) const {
    return false;
  }

  // What an earlier run of the sender asked to keep (engine::KeepPath), `age` ago.
  virtual void restore_path(const engine::KeepPath& /*kept*/, Duration /*age*/, Instant /*now*/) {}

  // For the report's plots.
  virtual engine::Totals totals() const = 0;
};

}  // namespace mailweir::senders
