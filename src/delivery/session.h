// A Session carries out the orders for one SMTP session: opens it, runs its transactions, ends it,
// and reports each step.
//
// One coroutine, run(), on one IoThread; every other method is called on that thread too and takes
// effect when wake() is called.
#pragma once

#include <memory>
#include <vector>

#include "delivery/connection.h"
#include "delivery/order_queue.h"
#include "delivery/session_ports.h"
#include "delivery/session_watch.h"
#include "delivery/settings.h"
#include "smtp/client_session.h"

namespace mailweir::delivery {

// For an order that can no longer be carried out.
engine::TransactionDone cancelled(const engine::StartTransaction& order);
engine::SessionFailed cancelled(const engine::OpenSession& order);

class Session {
 public:
  // Borrows `ports`, which outlive it.
  Session(const SessionPorts& ports, std::shared_ptr<const Settings> settings,
          engine::OpenSession order);

  runtime::Task<void> run();

  SessionId id() const { return order_.session; }
  void start(StartOrder start);
  void close();
  // Finish what has begun, begin nothing more, then QUIT. A session not yet open is given up.
  void stop();
  // Now.
  void cut();
  void wake() { watch_.wakeup.wake(); }

  // The worker's mark that this session has orders it has not been woken for.
  bool is_touched = false;

 private:
  struct Carried {
    TransactionId id;
    MessageId message;
    std::shared_ptr<const QueuedMessage> content;
  };

  runtime::Task<void> converse();
  void begin(StartOrder start);
  void hear();
  void write();
  void report_finished();
  engine::TransactionDone outcome_of(smtp::FinishedTransaction& finished);
  engine::Failure failure_of(const smtp::RecipientVerdict& verdict, smtp::Obstacle obstacle) const;
  void lose(engine::Failure failure);
  void guard();
  std::chrono::seconds time_for(Phase phase) const;
  void report_closed();

  const SessionPorts& ports_;
  std::shared_ptr<const Settings> settings_;
  engine::OpenSession order_;
  SessionWatch watch_;
  std::shared_ptr<Connection> connection_;
  std::unique_ptr<smtp::ClientSession> smtp_;  // once open
  std::vector<StartOrder> early_;              // ordered before that
  std::vector<Carried> carried_;
  engine::Failure failure_ = engine::Failure::none;  // that ended the session
  Phase guarded_phase_ = Phase::idle;
  std::uint64_t guarded_bytes_ = 0;
  bool is_writing_ = false;
  bool is_closing_ = false;
  bool has_heard_ = false;  // since the deadline was set
};

}  // namespace mailweir::delivery
