// ServerPolicy is what a ServerSession asks where the protocol leaves the answer to us. The default
// accepts everything.
//
// Called from inside ServerSession, on its thread; must not block and must not call the session.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mail/envelope.h"
#include "mail/reply.h"
#include "smtp/command.h"

namespace mailweir::smtp {

// Who is on the other side, and what it said of itself so far.
struct ClientView {
  std::string address;                 // "192.0.2.7", "2001:db8::7"
  std::string helo;                    // as given in EHLO or HELO; empty before
  bool is_extended = false;            // it said EHLO
  std::string tls;                     // "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty in clear
  bool may_relay = false;              // it belongs to the networks we relay for
  bool sends_bare_line_feeds = false;  // a listed injector whose bare LFs are normalized
};

class ServerPolicy {
 public:
  virtual ~ServerPolicy() = default;

  // Asked at EHLO and HELO, at MAIL, at each RCPT and at DATA, once the command itself is in order:
  // empty, or the refusal to give. After a refusal at DATA the transaction is over.
  virtual std::optional<Reply> refuse_hello(const ClientView&) { return std::nullopt; }
  virtual std::optional<Reply> refuse_mail(const ClientView&, const MailCommand&) {
    return std::nullopt;
  }
  virtual std::optional<Reply> refuse_recipient(const ClientView&, const Envelope&,
                                                const Recipient&) {
    return std::nullopt;
  }

  virtual std::optional<Reply> refuse_data(const ClientView&, const Envelope&) {
    return std::nullopt;
  }

  // Told of every 5xx the session gives on its own account or on the policy's: for counting.
  virtual void on_refusal(const ClientView&, const Reply&) {}

  // Asked before the 354: what to put in front of the content (the trace header, RFC 5321
  // section 4.4), with its CRLF.
  virtual std::string content_prefix(const ClientView&, const Envelope&) { return {}; }
};

}  // namespace mailweir::smtp
