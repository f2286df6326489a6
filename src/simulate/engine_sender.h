// The EngineSender puts the server's own engine under test: the class the server runs, not a copy.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "engine/engine.h"
#include "senders/sender.h"

namespace mailweir::simulate {

class EngineSender final : public senders::Sender {
 public:
  // Borrows `catalogue`.
  EngineSender(engine::EngineConfig config, const provider::Catalogue& catalogue,
               std::uint64_t seed)
      : random_(seed), engine_(std::move(config), catalogue, random_) {}

  void on_message(const engine::MessageFacts& message, Instant now) override {
    engine_.on_message(message, now);
  }
  void on_route(const engine::RouteFound& route, Instant now) override {
    engine_.on_route(route, now);
  }
  void on_route_failed(const engine::RouteFailed& failure, Instant now) override {
    engine_.on_route_failed(failure, now);
  }
  void on_session_connected(const engine::SessionConnected& connected, Instant now) override {
    engine_.on_session_connected(connected, now);
  }
  void on_session_opened(const engine::SessionOpened& opened, Instant now) override {
    engine_.on_session_opened(opened, now);
  }
  void on_session_failed(const engine::SessionFailed& failed, Instant now) override {
    engine_.on_session_failed(failed, now);
  }
  void on_transaction_done(const engine::TransactionDone& done, Instant now) override {
    engine_.on_transaction_done(done, now);
  }
  void on_session_closed(const engine::SessionClosed& closed, Instant now) override {
    engine_.on_session_closed(closed, now);
  }
  void on_time(Instant now) override { engine_.on_time(now); }
  Instant next_wakeup() const override { return engine_.next_wakeup(); }
  std::vector<engine::Order> take_orders() override { return engine_.take_orders(); }
  engine::Totals totals() const override { return engine_.totals(); }
  bool holds(std::uint16_t source, std::string_view provider) const override {
    return engine_.is_held(engine_.config().sources[source].name, provider);
  }
  void restore_path(const engine::KeepPath& kept, Duration age, Instant now) override {
    engine_.restore_path(kept.source, kept.provider, kept.image, age, now);
  }

 private:
  SeededRandom random_;
  engine::Engine engine_;
};

}  // namespace mailweir::simulate
