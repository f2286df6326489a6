// Composing the DSN that tells a sender of failed recipients.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/ids.h"
#include "base/time.h"
#include "delivery/delivery.h"
#include "engine/engine_config.h"
#include "engine/order.h"

namespace mailweir::relay {

struct BounceSettings {
  std::string hostname;
  std::string postmaster;
  engine::MessageClass message_class;  // of the DSN itself
};

// The DSN as a message ready to be accepted, or null when the sender is to hear nothing:
// NOTIFY=NEVER, or a notice of ours that could not reach the postmaster either. A failed message
// from the null reverse-path (a double bounce) is reported to the postmaster (RFC 5321
// section 6.1). `new_id` is called at most once.
std::shared_ptr<const delivery::QueuedMessage> compose_bounce(
    const BounceSettings& settings, const delivery::QueuedMessage& original,
    std::span<const engine::Settle> failed, UnixTime now, const std::function<MessageId()>& new_id);

}  // namespace mailweir::relay
