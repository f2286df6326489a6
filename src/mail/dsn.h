// Composes delivery status notifications: what a sender, or the postmaster, is told about
// recipients (RFC 3461, 3464, 6522; RFC 6533 for addresses outside ASCII).
//
// Pure: time and a unique token are arguments, the same request gives the same bytes. What remote
// servers and senders wrote (replies, ORCPT, the original header) is hostile: it ends no line,
// opens no part and adds no field. A notice is seven-bit unless the address it goes to needs
// SMTPUTF8.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "mail/reply.h"
#include "mail/stored_message.h"

namespace mailweir {

// Action of RFC 3464 section 2.3.3. An expired recipient has failed.
enum class DsnAction : std::uint8_t { failed, delayed, relayed };
std::string_view to_string(DsnAction action);

// Whether the sender wants, and may be sent, a notice (RFC 3461 section 4.1, RFC 5321 section 6.1):
// never to the null reverse-path, never against NOTIFY. Without NOTIFY: failures and delays.
// `relayed` answers NOTIFY=SUCCESS where the next hop knows no DSN.
bool is_dsn_wanted(const Envelope& envelope, const Recipient& recipient, DsnAction action);

// The Status of a recipient: the enhanced status of the reply where it fits the action, 4.4.7 when
// the time ran out, else x.0.0. `disposition` counts for failed only.
EnhancedStatus dsn_status(DsnAction action, Disposition disposition, const Reply& reply);

struct DsnRecipient {
  Recipient recipient;
  EnhancedStatus status;  // dsn_status(), or one of our own: 5.1.10 for a null MX
  Disposition disposition = Disposition::bounced;  // or expired; tells people how it failed
  Reply reply;                 // the remote server's last word; code 0: there was none
  std::string remote_host;     // who said it; empty: nobody was reached
  UnixTime last_attempt_at{};  // zero: no attempt
  std::string explanation;  // one English sentence where we know more than the reply says, or empty
};

struct DsnRequest {
  const StoredMessage& message;
  std::string_view content;  // of the original message; only its header is returned, at most 50 KiB
  std::span<const DsnRecipient> recipients;
  DsnAction action = DsnAction::failed;
  std::string_view hostname;  // ours: Reporting-MTA, and the domain of MAILER-DAEMON
  std::string_view token;     // unique: names the notice and its boundary. Letters and digits
  UnixTime at{};
};

// Ready to be accepted: null reverse-path, one recipient, CRLF lines.
struct DsnMessage {
  Envelope envelope;
  std::string content;
};

// To the reverse path of the message, which must not be null; `recipients` must not be empty.
DsnMessage compose_dsn(const DsnRequest& request);
// A message from the null reverse-path failed: nobody but the postmaster can be told (RFC 5321
// section 6.1).
DsnMessage compose_double_bounce(const DsnRequest& request, const Mailbox& postmaster);

}  // namespace mailweir
