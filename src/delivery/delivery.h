// Delivery carries out the engine's orders with real connections, and reports what came of them.
//
// One coroutine a session, on the IoThread `session id modulo threads`. Orders for one session take
// effect in the order given. Every order is answered exactly once, in stop() too (then with
// Failure::cancelled). Phase time-outs are RFC 5321 section 4.5.3.2.
//
// When a session ends, the transaction whose reply was due gets the failure; those behind it had no
// turn and end as `cancelled` at phase `idle`. A transaction is also not blamed if a used session
// meets 421 or a close where the reply to its MAIL was due. What the peer cannot take (SIZE,
// 8BITMIME, SMTPUTF8) is told without a word to it. SessionClosed::reply is a 421 that belonged to
// no transaction; SessionClosed::failure repeats what a transaction under way was told.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine_config.h"
#include "engine/order.h"
#include "engine/outcome.h"
#include "runtime/clock.h"
#include "runtime/io_thread.h"
#include "runtime/resolver.h"
#include "spool/spool.h"

namespace mailweir::delivery {

// Takes the outcomes; called on the IoThreads (after stop() on the caller's thread), must be quick
// and thread-safe. May give new orders from inside a call.
class OutcomeReceiver {
 public:
  virtual ~OutcomeReceiver() = default;
  // None or several for a session; not one of its ends.
  virtual void on_session_connected(engine::SessionConnected connected) = 0;
  virtual void on_session_opened(engine::SessionOpened opened) = 0;
  virtual void on_session_failed(engine::SessionFailed failed) = 0;
  virtual void on_transaction_done(engine::TransactionDone done) = 0;
  virtual void on_session_closed(engine::SessionClosed closed) = 0;
};

// A message ready to be sent: shared, immutable.
struct QueuedMessage {
  StoredMessage message;
  spool::Content
      content;  // null: the spool could not give it; the transaction ends with `message_unreadable`
};

struct PhaseTimeouts {  // RFC 5321 section 4.5.3.2
  std::chrono::seconds connect{30};
  std::chrono::seconds banner{300};
  std::chrono::seconds ehlo{300};
  std::chrono::seconds starttls{120};
  std::chrono::seconds mail{300};
  std::chrono::seconds rcpt{300};
  std::chrono::seconds data{120};
  std::chrono::seconds data_block{180};
  std::chrono::seconds end_of_data{600};
  std::chrono::seconds quit{5};
};

enum class TlsMode : std::uint8_t { off, opportunistic, required };

struct DeliveryOptions {
  std::vector<engine::EgressAddress> sources;
  PhaseTimeouts timeouts;
  TlsMode tls = TlsMode::opportunistic;
  bool allow_private_targets = false;  // MX hosts that resolve to loopback or private addresses
  bool use_ipv6 = true;
  std::size_t addresses_max = 5;      // tried for one session
  std::size_t transcript_max = 8192;  // bytes kept of a failed dialogue
};

class Delivery {
 public:
  // Borrows everything; the threads must run until stop() has returned.
  Delivery(DeliveryOptions options, const std::vector<runtime::IoThread*>& threads,
           runtime::Resolver& resolver, const runtime::Clock& clock, OutcomeReceiver& outcomes);
  ~Delivery();

  // From any thread.
  void open(engine::OpenSession order);
  void start(engine::StartTransaction order, std::shared_ptr<const QueuedMessage> message);
  void close(engine::CloseSession order);
  // For sessions opened from now on.
  void reconfigure(DeliveryOptions options);

  // Lets transactions under way finish for at most `grace`, cuts the rest, and returns when no
  // session is left. Not from an IoThread.
  void stop(std::chrono::milliseconds grace);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mailweir::delivery
