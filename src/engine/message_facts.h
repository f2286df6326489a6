// What the engine is told of a message: new, or restored at start-up. Values; names and spans are
// only used during the call.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"
#include "engine/outcome.h"
#include "mail/stored_message.h"

namespace mailweir::engine {

// A recipient as the engine is told of it, new or restored.
struct RecipientFacts {
  std::uint16_t recipient = 0;                    // index into the envelope
  std::string_view domain;                        // normalized; only used during the call
  Disposition disposition = Disposition::queued;  // queued, deferred or held
  std::uint16_t attempts = 0;
  Instant due{};  // not before this; the beginning of time: at once
  std::uint16_t reply_code = 0;
};

struct MessageFacts {
  MessageId id;
  std::string_view message_class;  // unknown names fall to the first class
  std::string_view tenant;
  std::string_view campaign;       // of the tenant's; empty: none
  std::string_view pool;           // empty: the class's
  std::string_view sender_domain;  // of the reverse-path; empty: null, or not known
  std::string_view dkim_domain;    // d= of its first signature; empty: none, or not known
  std::uint32_t size = 0;
  Instant accepted{};
  Instant not_before{};
  Instant expires = never;
  Instant deadline = never;
  std::span<const RecipientFacts> recipients;
  std::uint16_t recipients_total = 0;  // of the envelope, settled ones included
};

}  // namespace mailweir::engine
