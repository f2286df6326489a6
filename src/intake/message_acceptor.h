// The MessageAcceptor is what intake hands a complete message to; the relay implements it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "base/ids.h"
#include "base/time.h"
#include "mail/envelope.h"
#include "mail/reply.h"

namespace mailweir::intake {

struct ReceivedMessage {
  Envelope envelope;
  std::string content;         // CRLF lines, dots unstuffed, our Received header already in front
  std::string client_address;  // "192.0.2.7"
  std::string client_helo;
  std::string tls;       // "TLSv1.3 TLS_AES_256_GCM_SHA384", empty in clear
  std::string listener;  // which door
  // Asked for by an API submission; SMTP leaves them empty and uses header fields (docs/intake.md).
  std::string message_class;
  std::string tenant;
  std::string campaign;
  UnixTime not_before{};
};

// Accepted under this id, durable; or the refusal to give (452 4.3.1, 451 4.3.0, …).
using AcceptResult = std::variant<MessageId, Reply>;

class MessageAcceptor {
 public:
  virtual ~MessageAcceptor() = default;

  // Asked at MAIL, before any of the mail is taken: empty, or the refusal (disk, memory, shutting
  // down). `declared_size` is SIZE=, 0 if unknown. From any thread, never blocks.
  virtual std::optional<Reply> admission(std::uint64_t declared_size) = 0;

  // Makes the message durable, then calls `done` (on another thread). From any thread, never
  // blocks.
  virtual void accept(ReceivedMessage message, std::function<void(AcceptResult)> done) = 0;
};

}  // namespace mailweir::intake
