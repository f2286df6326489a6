// What the engine asks of the world. The order of the orders is part of the contract: carry them
// out first to last.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "engine/notice.h"
#include "engine/outcome.h"
#include "engine/path_hand.h"
#include "mail/stored_message.h"

namespace mailweir::engine {

// Where a group of recipients goes: an MX set, or configured smarthosts. Two domains with equal
// hosts share one NextHop.
struct NextHop {
  std::vector<RouteFound::Host>
      hosts;  // by preference; equal preferences are shuffled when connecting
  std::uint16_t port = 25;
  bool is_smarthost =
      false;  // hosts were configured: no MX look-up, loopback and private targets allowed
  std::string provider;  // catalogue key such as "google", or the MX set's own name
};

// Find the MX set of a domain; answered by on_route().
struct ResolveRoute {
  std::string domain;
};

// Open a session from a source; answered by on_session_opened() or on_session_failed().
struct OpenSession {
  SessionId session;
  std::uint16_t source = 0;  // index into EngineConfig::sources
  std::shared_ptr<const NextHop> next_hop;
  std::vector<std::string> put_last;  // hosts that stand out: tried when no other lets us in
  std::string first;                  // the host to be tried before all others; empty: none
};
// The hosts to be tried, with their preferences; the one to be tried first is preferred to all and
// stands in front.
std::vector<RouteFound::Host> hosts_to_try(const OpenSession& order);

// Deliver to these recipients of one message over an open session. At most
// EngineConfig::transactions_ahead wait in a session, so that the next envelope can ride behind the
// last content (RFC 2920). Answered by on_transaction_done().
struct StartTransaction {
  SessionId session;
  TransactionId transaction;
  MessageId message;
  std::vector<std::uint16_t> recipients;
};

// Send QUIT when what was ordered is done; answered by on_session_closed(), once. Of no effect on a
// session that is gone already.
struct CloseSession {
  SessionId session;
};

// Keep the recipient's state over a restart.
struct RecordState {
  MessageId message;
  std::uint16_t recipient = 0;
  Disposition disposition = Disposition::deferred;
  std::uint16_t attempts = 0;
  Instant due{};
  Failure failure = Failure::none;
  Phase phase = Phase::resolve;
  Reply reply;
  // Nothing new was said: the code is that of the last reply, whose text only the spool has.
  bool is_old_reply = false;
};

// The recipient has reached its end (is_final(disposition)). With `message_finished` nothing of the
// message is left to do and it may leave the spool; otherwise the recipient's end must be recorded.
struct Settle {
  MessageId message;
  std::uint16_t recipient = 0;
  Disposition disposition = Disposition::delivered;
  std::uint16_t attempts = 0;
  Failure failure = Failure::none;
  Phase phase = Phase::end_of_data;
  Reply reply;
  bool is_old_reply = false;  // as in RecordState
  std::string host;           // that gave the reply; empty when none did
  bool message_finished = false;
  std::uint16_t recipients_total = 0;
};

using Order = std::variant<ResolveRoute, OpenSession, StartTransaction, CloseSession, RecordState,
                           Settle, Notice, KeepPath, KeepHand>;

}  // namespace mailweir::engine
