#include "pacing/pacer.h"

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

}  // namespace

Pacer::Pacer(const PathCaps& caps) : caps_(caps) {
  apply(messages_, caps.message_rate, Instant{});
  apply(connects_, caps.connection_rate, Instant{});
}

bool Pacer::permit_connection(Instant now) {
  if (connections_ >= caps_.connections_max) return false;
  if (connects_ && !connects_->take(now)) return false;
  ++connections_;
  return true;
}

void Pacer::connection_ended() {
  WEIR_ASSERT(connections_ > 0);
  --connections_;
}

bool Pacer::permit_message(Instant now) {
  return !messages_ || messages_->take(now);
}

NextPermit Pacer::next_connection(Instant now) const {
  if (connections_ >= caps_.connections_max) return {Limit::connections, never};
  if (!connects_) return {};
  const Instant at = connects_->next(now);
  return at <= now ? NextPermit{} : NextPermit{Limit::connection_rate, at};
}

NextPermit Pacer::next_message(Instant now) const {
  if (!messages_) return {};
  const Instant at = messages_->next(now);
  return at <= now ? NextPermit{} : NextPermit{Limit::message_rate, at};
}

bool Pacer::is_rested(Instant now) const {
  return connections_ == 0 && (!messages_ || messages_->is_full(now)) &&
         (!connects_ || connects_->is_full(now));
}

void Pacer::on_outcome(Evidence evidence, Instant now) {
  ++counts_[static_cast<std::size_t>(evidence)];
  last_outcome_ = now;
}

void Pacer::set_caps(const PathCaps& caps, Instant now) {
  caps_ = caps;
  apply(messages_, caps.message_rate, now);
  apply(connects_, caps.connection_rate, now);
}

}  // namespace mailweir::pacing
