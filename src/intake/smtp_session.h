// An SmtpSession drives one ServerSession over one Connection: it reads, writes, keeps the
// deadlines, accounts for memory and waits for the acceptor's decision.
//
// One coroutine, run(); everything happens on the IoThread of its SmtpWorker, which owns the read
// buffer all its sessions share: octets are parsed before the next wait, so an idle session holds
// none.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "intake/connection.h"
#include "intake/decision_inbox.h"
#include "intake/smtp_door.h"
#include "runtime/deadline.h"
#include "runtime/task_group.h"
#include "runtime/wakeup.h"

namespace mailweir::intake {

class SmtpSession;

// What the sessions of one listener on one IoThread share.
struct SmtpWorker {
  SmtpWorker(runtime::IoThread& io_thread, const SmtpDoor& shared_door)
      : thread(io_thread), door(shared_door), inbox(io_thread), tasks(io_thread.executor()) {}

  runtime::IoThread& thread;
  const SmtpDoor& door;
  DecisionInbox inbox;
  runtime::TaskGroup tasks;
  std::vector<char> buffer = std::vector<char>(64 * 1024);
  std::list<SmtpSession*> sessions;
  bool is_stopping = false;
};

class SmtpSession final : private smtp::ServerPolicy {
 public:
  SmtpSession(SmtpWorker& worker, std::shared_ptr<const ListenerOptions> options,
              runtime::TcpSocket socket, const IpAddress& client);
  ~SmtpSession() override;
  SmtpSession(const SmtpSession&) = delete;
  SmtpSession& operator=(const SmtpSession&) = delete;

  // Runs until the connection is closed.
  runtime::Task<void> run();

  // Ends the session with 421 as soon as no message is under way.
  void stop();
  // Ends it now; a decision still to come is dropped with the worker's inbox, which must be closed
  // before.
  void abandon();
  void on_decision(AcceptResult result);

 private:
  using Step = smtp::ServerSession::Step;

  std::optional<Reply> refuse_mail(const smtp::ClientView& client,
                                   const smtp::MailCommand& mail) override;
  std::optional<Reply> refuse_recipient(const smtp::ClientView& client, const Envelope& envelope,
                                        const Recipient& recipient) override;
  void on_refusal(const smtp::ClientView& client, const Reply& reply) override;
  std::string content_prefix(const smtp::ClientView& client, const Envelope& envelope) override;

  runtime::Task<void> serve();
  runtime::Task<std::string_view> read();
  runtime::Task<bool> send_output(bool is_last);
  runtime::Task<bool> shake_hands();
  runtime::Task<Step> decide();
  runtime::Task<void> linger();
  Step begin();
  Step after_silence();
  bool is_interrupted() const;
  void set_deadline();
  void expire_at(Instant instant);
  void account_for_content();
  void release_memory();

  SmtpWorker& worker_;
  std::shared_ptr<const ListenerOptions> options_;
  Connection connection_;
  smtp::ServerSession session_;
  runtime::Deadline deadline_;
  runtime::Wakeup decision_wakeup_;
  std::optional<AcceptResult> decision_;
  Instant session_end_;
  std::optional<Instant> content_began_;
  std::uint64_t memory_taken_ = 0;
  bool is_over_memory_ = false;  // what the last read brought did not fit
  bool is_timed_out_ = false;
  bool is_stopping_ = false;
  bool is_abandoned_ = false;
  std::list<SmtpSession*>::iterator entry_;
};

}  // namespace mailweir::intake
