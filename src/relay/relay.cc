#include "relay/relay.h"

#include "relay/relay_core.h"

namespace mailweir::relay {

Relay::Relay(RelayOptions options, RelayPorts ports)
    : core_(std::make_unique<Core>(std::move(options), std::move(ports), *this)) {}

Relay::~Relay() = default;

void Relay::restore(std::function<void(std::uint64_t, std::uint64_t)> done) {
  core_->restore(std::move(done));
}

std::optional<Reply> Relay::admission(std::uint64_t declared_size) {
  return core_->admission(declared_size);
}

void Relay::accept(intake::ReceivedMessage message,
                   std::function<void(intake::AcceptResult)> done) {
  core_->accept(std::move(message), std::move(done));
}

void Relay::on_session_connected(engine::SessionConnected connected) {
  core_->push(std::move(connected));
}

void Relay::on_session_opened(engine::SessionOpened opened) {
  core_->push(std::move(opened));
}

void Relay::on_session_failed(engine::SessionFailed failed) {
  core_->push(std::move(failed));
}

void Relay::on_transaction_done(engine::TransactionDone done) {
  core_->push(std::move(done));
}

void Relay::on_session_closed(engine::SessionClosed closed) {
  core_->push(std::move(closed));
}

MessageId Relay::next_id() const {
  return core_->next_id();
}

void Relay::with_engine(std::function<void(engine::Engine&, Instant)> work) {
  core_->push(Work{std::move(work)});
}

void Relay::with_message(MessageId id, std::function<void(const Entry&)> use) {
  core_->push(Work{[this, id, use = std::move(use)](engine::Engine&, Instant) {
    core_->with_message(id, use);
  }});
}

void Relay::set_hands(std::vector<engine::PathHand> hands, HandsDone done) {
  core_->push(Work{[this, hands = std::move(hands), done = std::move(done)](engine::Engine&,
                                                                            Instant now) mutable {
    core_->set_hands(std::move(hands), std::move(done), now);
  }});
}

void Relay::remove_hands(HandsWanted wanted, OperatorNote note, HandsDone done) {
  core_->push(Work{[this, wanted = std::move(wanted), note = std::move(note),
                    done = std::move(done)](engine::Engine&, Instant now) mutable {
    core_->remove_hands(wanted, note, std::move(done), now);
  }});
}

void Relay::forget_paths(engine::PathName wanted, OperatorNote note, ForgetDone done) {
  core_->push(Work{[this, wanted = std::move(wanted), note = std::move(note),
                    done = std::move(done)](engine::Engine&, Instant now) mutable {
    core_->forget(wanted, note, std::move(done), now);
  }});
}

void Relay::reconfigure(RelayOptions options) {
  core_->reconfigure(std::move(options));
}

void Relay::stop(std::chrono::milliseconds grace) {
  core_->stop(grace);
}

UnixTime Relay::to_wall(Instant time) const {
  return core_->to_wall(time);
}

}  // namespace mailweir::relay
