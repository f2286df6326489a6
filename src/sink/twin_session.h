// A TwinSession is one TCP connection to a Twin: it speaks SMTP as the server's own door does, asks
// the receiver at every step, and lets its answer happen on the socket.
//
// Input is taken one command at a time, so that pipelined commands get their answers, delays and
// endings one after the other. One coroutine, run(), on the IoThread of its TwinWorker.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "intake/connection.h"
#include "intake/tls_identity.h"
#include "runtime/clock.h"
#include "runtime/deadline.h"
#include "runtime/io_thread.h"
#include "runtime/task_group.h"
#include "sink/attempt_log.h"
#include "sink/ledger.h"
#include "sink/session_time.h"
#include "sink/shared_receiver.h"
#include "smtp/server_policy.h"
#include "smtp/server_session.h"

namespace mailweir::sink {

// What all sessions of a Twin share.
struct TwinDoor {
  const runtime::Clock& clock;
  SharedReceiver& receiver;
  SessionTime& time;
  const intake::TlsIdentity* tls = nullptr;  // null: STARTTLS is not offered
  Ledger* ledger = nullptr;                  // null: none
  AttemptLog* log = nullptr;                 // null: none
  smtp::ServerOptions server = {};
  std::size_t sessions_max = 0;
  std::size_t silent_max = 0;  // sessions kept open in silence; above, they are closed instead
  std::atomic<std::size_t> sessions{0};
  std::atomic<std::size_t> silent{0};
  std::atomic<std::uint64_t> turned_away{0};  // connections above sessions_max
  std::atomic<std::uint64_t> messages{0};
};

class TwinSession;

// What the sessions on one IoThread share.
struct TwinWorker {
  explicit TwinWorker(runtime::IoThread& io_thread)
      : thread(io_thread), tasks(io_thread.executor()) {}

  runtime::IoThread& thread;
  runtime::TaskGroup tasks;
  std::vector<char> buffer = std::vector<char>(64 * 1024);
};

class TwinSession final : private smtp::ServerPolicy {
 public:
  TwinSession(TwinDoor& door, TwinWorker& worker, runtime::TcpSocket socket,
              const IpAddress& source);
  ~TwinSession() override;
  TwinSession(const TwinSession&) = delete;
  TwinSession& operator=(const TwinSession&) = delete;

  // Runs until the connection is closed, or until its task is cancelled. `host` is the number of
  // the endpoint the client came to.
  runtime::Task<void> run(std::uint16_t host);

 private:
  using Step = smtp::ServerSession::Step;

  std::optional<Reply> refuse_hello(const smtp::ClientView& client) override;
  std::optional<Reply> refuse_mail(const smtp::ClientView& client,
                                   const smtp::MailCommand& mail) override;
  std::optional<Reply> refuse_recipient(const smtp::ClientView& client, const Envelope& envelope,
                                        const Recipient& recipient) override;
  std::optional<Reply> refuse_data(const smtp::ClientView& client,
                                   const Envelope& envelope) override;

  runtime::Task<bool> digest();
  runtime::Task<bool> carry_out(std::size_t said_before);
  runtime::Task<bool> end_with(world::Answer::Kind kind);
  runtime::Task<bool> flush();
  runtime::Task<std::string_view> receive();
  runtime::Task<bool> start_tls();
  runtime::Task<void> fall_silent();
  runtime::Task<void> linger();
  std::string take_line();
  Step decide();
  std::optional<Reply> adopt(world::Step step, world::Answer answer, std::string_view to = {});
  void log(world::Step step, std::string_view outcome, std::string_view to,
           std::string_view message_id);
  void expire_after(std::chrono::milliseconds time);

  TwinDoor& door_;
  TwinWorker& worker_;
  IpAddress source_;
  intake::Connection connection_;
  smtp::ServerSession session_;
  runtime::Deadline deadline_;
  SharedReceiver::Guest guest_;
  world::Answer answer_;     // to the command under way
  std::string input_;        // read and not yet taken
  std::string sender_;       // of the transaction under way, for the log
  bool is_welcome_ = false;  // its EHLO was accepted
  bool is_timed_out_ = false;
};

}  // namespace mailweir::sink
