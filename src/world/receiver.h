// A Receiver is a mailbox provider as a sender meets it: for each step of an SMTP session it says
// what the client gets to see, out of a hidden state that remembers rate, source IP and time.
//
// The same object answers in virtual time (src/simulate) and over real TCP (src/sink). Pure: time
// is an argument that never runs backwards, randomness comes from the seed given at construction;
// the same calls give the same answers. Not thread-safe.
//
// One Visit is one TCP connection. The caller keeps it and passes it to every step, in the order of
// RFC 5321: connect, ehlo, [tls], then for each message mail, rcpt…, data, end_of_data; leave()
// once, when the connection is gone for whatever reason. A step whose answer ends the session is
// followed by leave() alone.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/networks.h"
#include "base/time.h"
#include "mail/reply.h"

namespace mailweir::world {

// What one step brings the client.
struct Answer {
  enum class Kind : std::uint8_t {
    accept,   // the positive reply that is usual here (220, 250, 354)
    reply,    // `reply`, which is 4xx or 5xx
    silence,  // nothing, ever: at connect the SYN is dropped, later the peer waits in vain
    close,    // an orderly close without a word; at connect: after the handshake of TCP
    reset,    // RST; at connect: connection refused
  };
  Kind kind = Kind::accept;
  Reply reply;
  bool closes = false;      // the receiver closes behind its reply (421, a 554 banner)
  Duration delay{};         // before any of it happens: banner delay, tarpit
  bool is_dropped = false;  // a message accepted and thrown away: the client can not know

  bool ends_session() const { return closes || (kind != Kind::accept && kind != Kind::reply); }
};

// One connection, as the receiver knows it. The caller fills the first part; the rest is the
// models'.
struct Visit {
  IpAddress source;
  std::uint16_t host = 0;  // which MX host of the provider
  bool uses_tls = false;

  bool is_counted = false;     // connect() accepted it: leave() has something to give back
  std::uint32_t messages = 0;  // accepted in this connection
  // Of the transaction under way:
  std::string sender_domain;  // of MAIL FROM; empty for the null reverse-path
  std::uint32_t recipients = 0;
  // Kept for the models, one bit each; the caller leaves all of it alone.
  std::uint32_t reserved = 0;  // holds a place for the message under way
  std::uint32_t marked = 0;    // decided at an early step what a later one answers
  std::uint32_t source_slot = 0;
  std::uint32_t network_slot = 0;
};

// What is known of a message at its final dot.
struct ContentFacts {
  std::string_view dkim_domain;  // of its signature; empty: not signed
  std::uint64_t size = 0;
  bool is_unwanted = false;  // the recipients will complain: a workload's spam share
};

inline constexpr double unlimited = std::numeric_limits<double>::infinity();

class Receiver {
 public:
  virtual ~Receiver() = default;

  virtual Answer connect(Visit& visit, Instant now) = 0;  // accept: the 220 banner follows
  virtual Answer ehlo(Visit& visit, Instant now) = 0;
  virtual Answer tls(Visit& visit, Instant now) = 0;  // the handshake; `close` cuts it
  virtual Answer mail(Visit& visit, std::string_view sender_domain, Instant now) = 0;
  virtual Answer rcpt(Visit& visit, std::string_view mailbox, Instant now) = 0;
  virtual Answer data(Visit& visit, Instant now) = 0;
  virtual Answer end_of_data(Visit& visit, const ContentFacts& content, Instant now) = 0;
  virtual void leave(Visit& visit, Instant now) = 0;

  // --- what only an oracle knows
  // Messages a second that `source` could deliver from now on for ever, were nothing to change:
  // 0 while blocked, `unlimited` where no model limits.
  virtual double limit(const IpAddress& source, Instant now) const = 0;
  // Whether a penalty or block is on for the source at this moment.
  virtual bool is_penalized(const IpAddress& source, Instant now) const = 0;
  // How often a limit of this source was tripped so far (a penalty, block or refusal spell began).
  virtual std::uint64_t trips(const IpAddress& source) const = 0;
  // How many steps of this source were refused for who it is, how much it sends or how often it
  // connects: by limits, penalties and blocks. What concerns a recipient or means nothing is not
  // among them.
  virtual std::uint64_t path_refusals(const IpAddress& /*source*/) const { return 0; }
  // Messages of `source` that could have been accepted in the `span` that ends now, beyond what
  // take() has booked: what flows, at its rate; what is counted (a window, a day, a warm-up), as
  // far as it is not used up.
  virtual double room(const IpAddress& source, Duration span, Instant now) const {
    return limit(source, now) * std::chrono::duration<double>(span).count();
  }
  // Books messages as accepted now, without a dialogue: how an oracle uses a twin.
  virtual void take(const IpAddress& /*source*/, std::uint64_t /*messages*/, Instant /*now*/) {}

  // --- the hand of whoever runs the world (scenario, HTTP control); false: no model of it can
  enum class Control : std::uint8_t { trip, release, block_network, unblock_network };
  virtual bool control(Control what, const IpAddress& source, Instant now) = 0;
};

}  // namespace mailweir::world
