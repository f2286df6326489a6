#include "pacing/pacer.h"

#include <algorithm>

#include "base/assert.h"

namespace mailweir::pacing {
namespace {

void apply(std::optional<TokenBucket>& bucket, const std::optional<Rate>& rate, Instant now) {
  if (!rate) {
    bucket.reset();
  } else if (bucket) {
    bucket->set_rate(*rate, now);
  } else {
    bucket.emplace(*rate);
  }
}

NextPermit to_next(const Permit& permit, Instant now) {
  return {permit.at <= now ? Limit::none : Limit::learned, permit.at, permit.lowest,
          permit.binding};
}

}  // namespace

Pacer::Pacer(const PacerSettings& settings, Instant now) {
  set(settings, now);
}

NextPermit Pacer::peek_attempt(Instant now, const Demand& demand) const {
  if (is_paused_) return {Limit::paused, never};
  if (!controller_) return {};
  return to_next(controller_->peek(now, attempts_, demand), now);
}

NextPermit Pacer::ask_attempt(Instant now, const Demand& demand) {
  if (is_paused_) return {Limit::paused, never};
  if (!controller_) return {};
  return to_next(controller_->ask(now, attempts_, demand), now);
}

Grant Pacer::begin_attempt(Instant now) {
  if (controller_) controller_->on_start(now);
  return {now, ++attempts_};
}

Change Pacer::end_attempt(const Grant& grant, Signal signal, bool first_try, Duration wait,
                          Instant now) {
  WEIR_ASSERT(grant && attempts_ > 0);
  --attempts_;
  if (!controller_) return Change::none;
  return controller_->on_end(now, {.signal = signal,
                                   .started = grant.at,
                                   .in_flight = grant.in_flight,
                                   .first_try = first_try,
                                   .wait = wait});
}

std::uint32_t Pacer::connections_most() const {
  return controller_ ? std::min(caps_.connections_max, controller_->connections_most())
                     : caps_.connections_max;
}

void Pacer::note_connections_short(Instant now) {
  if (controller_ && connections_ >= controller_->connections_most())
    controller_->note_connections_short(now);
}

bool Pacer::is_short_of_connections() const {
  return controller_ && controller_->were_connections_refused() &&
         connections_most() < caps_.connections_max;
}

bool Pacer::permit_connection(Instant now) {
  if (is_paused_ || connections_ >= connections_most()) return false;
  if (connects_ && !connects_->take(now)) return false;
  ++connections_;
  return true;
}

void Pacer::connection_ended() {
  WEIR_ASSERT(connections_ > 0);
  --connections_;
}

bool Pacer::permit_message(Instant now) {
  return !is_paused_ && (!messages_ || messages_->take(now));
}

NextPermit Pacer::next_connection(Instant now) const {
  if (is_paused_) return {Limit::paused, never};
  if (connections_ >= connections_most()) return {Limit::connections, never};
  if (!connects_) return {};
  const Instant at = connects_->next(now);
  return at <= now ? NextPermit{} : NextPermit{Limit::connection_rate, at};
}

NextPermit Pacer::next_message(Instant now) const {
  if (is_paused_) return {Limit::paused, never};
  if (!messages_) return {};
  const Instant at = messages_->next(now);
  return at <= now ? NextPermit{} : NextPermit{Limit::message_rate, at};
}

bool Pacer::is_rested(Instant now) const {
  if (connections_ > 0 || attempts_ > 0) return false;
  if (messages_ && !messages_->is_full(now)) return false;
  if (connects_ && !connects_->is_full(now)) return false;
  if (!controller_) return true;
  const LearnedState learned = controller_->state(now);
  return learned.mode == Mode::open && learned.counts[static_cast<std::size_t>(Window::day)] < 1.0;
}

void Pacer::on_outcome(Evidence evidence, Instant now) {
  ++counts_[static_cast<std::size_t>(evidence)];
  last_outcome_ = now;
}

void Pacer::set(const PacerSettings& settings, Instant now) {
  caps_ = settings.caps;
  is_paused_ = settings.is_paused;
  apply(messages_, caps_.message_rate, now);
  apply(connects_, caps_.connection_rate, now);
  if (!settings.learning) {
    controller_.reset();
  } else if (controller_) {
    controller_->set_ceilings(*settings.learning, now);
  } else {
    controller_.emplace(*settings.learning, now);
  }
}

}  // namespace mailweir::pacing
