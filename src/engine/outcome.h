// What comes back from the network: facts with phase, reply and timings, no judgement.
// classify_outcome.h says what they mean.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "mail/reply.h"

namespace mailweir::engine {

// Why there is no reply to read. Silence is evidence too, so each kind keeps its own name.
enum class Failure : std::uint8_t {
  none,                // there is a reply
  dns_temporary,       // SERVFAIL, time-out: try again
  dns_no_such_domain,  // NXDOMAIN, or neither MX nor address
  null_mx,             // RFC 7505: the domain takes no mail
  target_refused,  // the MX points at loopback, a private net or ourselves, and that is not allowed
  connect_timeout,
  connect_refused,
  connect_reset,
  network_unreachable,
  closed,   // the peer closed where a reply was due
  reset,    // the same, by RST
  timeout,  // no reply within the phase's time (RFC 5321 section 4.5.3.2)
  tls_failed,
  protocol_error,      // what came was not SMTP
  source_unusable,     // our own source address cannot be bound
  message_unreadable,  // the spool could not give the content back: hold it, never bounce it
  message_too_large,   // SIZE of the peer is smaller than the message
  needs_8bit_mime,     // the peer lacks 8BITMIME and the content cannot be sent without
  needs_smtputf8,      // the same for SMTPUTF8 (RFC 6531)
  cancelled,           // we stopped: uses no attempt
};
std::string_view to_string(Failure failure);

struct PhaseTiming {
  Phase phase;
  Duration elapsed;
};

// One address tried while a session was being opened.
struct ConnectAttempt {
  std::string host;              // MX host name
  std::string address;           // textual IP and port, "192.0.2.1:25"; empty when it had none
  Phase phase = Phase::connect;  // how far it came
  Failure failure = Failure::none;
  Reply reply;  // e.g. a 554 banner
  Duration elapsed{};
  std::string transcript;  // redacted; only of failures
};

// A host has taken the connection; its greeting is awaited. Not the end of anything: who does not
// report it lets a slow greeting look like silence for longer.
struct SessionConnected {
  SessionId session;
  std::string host;
};

struct SessionOpened {
  SessionId session;
  std::string host;
  std::string address;
  std::string tls;                            // "TLSv1.3 TLS_AES_256_GCM_SHA384", empty in clear
  std::vector<ConnectAttempt> failed_before;  // earlier hosts or addresses that did not work
  std::vector<PhaseTiming> timings;
};

struct SessionFailed {
  SessionId session;
  std::vector<ConnectAttempt> attempts;  // never empty; the last one decides
};

struct RecipientResult {
  std::uint16_t recipient = 0;
  Phase phase = Phase::end_of_data;  // the command that decided it
  Failure failure = Failure::none;
  Reply reply;
};

struct TransactionDone {
  SessionId session;
  TransactionId transaction;
  MessageId message;
  std::vector<RecipientResult> results;  // one for each recipient ordered, same order
  std::vector<PhaseTiming> timings;
  std::string transcript;  // only if some recipient was not delivered
  Instant started{};       // of the first command sent; left at zero: nothing of it was sent
};

// The session is gone: closed by us, by the peer (421, drop), or by a failure inside a transaction
// (reported before this).
struct SessionClosed {
  SessionId session;
  Failure failure = Failure::none;
  Reply reply;  // an unasked 421, if one came
};

struct RouteFound {
  struct Host {
    std::uint16_t preference = 0;
    std::string name;
    friend bool operator==(const Host&, const Host&) = default;
  };
  std::string domain;
  std::vector<Host>
      hosts;  // by preference; the implicit MX (RFC 5321 section 5.1) is the domain itself
  Duration time_to_live{};
};

struct RouteFailed {
  std::string domain;
  Failure failure = Failure::dns_temporary;
  std::string detail;  // for a person
};

}  // namespace mailweir::engine
