// An SmtpListener is an SMTP door: it accepts connections on one endpoint and runs a session for
// each, spread over IoThreads.
//
// Borrows the threads and everything in the SmtpDoor; they outlive it, and the threads run until
// stop() has returned. The acceptor must have given its last answer before the listener is
// destroyed: what it answers after stop() is dropped.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "intake/smtp_door.h"
#include "runtime/io_thread.h"

namespace mailweir::intake {

class SmtpListener {
 public:
  SmtpListener(ListenerOptions options, const std::vector<runtime::IoThread*>& threads,
               SmtpDoor door);
  ~SmtpListener();  // stop() must have been called, if start() succeeded
  SmtpListener(const SmtpListener&) = delete;
  SmtpListener& operator=(const SmtpListener&) = delete;

  // Binds and listens. `invalid_argument` when the endpoint cannot be bound. Once; not from an
  // IoThread.
  Result<void> start();
  // The bound port, after start().
  std::uint16_t port() const;
  // For sessions that begin from now on; the endpoint stays as it is. From any thread but the
  // IoThreads.
  void reconfigure(ListenerOptions options);

  // Accepts no more; sessions get 421 once no message of theirs is under way, and are cut when
  // `grace` has passed. Returns when none is left. Not from an IoThread.
  void stop(std::chrono::milliseconds grace);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mailweir::intake
