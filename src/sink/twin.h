// A Twin serves one world::Receiver over real TCP: the same models that a simulation meets in
// virtual time, on as many endpoints as wanted. The n-th endpoint is the n-th MX host of the
// provider.
//
// Takes mail from anybody who can reach it, and throws it away. What cannot be done from user space
// is approximated: a SYN that the models drop is accepted and then never answered, and a connection
// they refuse is accepted and reset at once (docs/sink.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/networks.h"
#include "base/result.h"
#include "runtime/clock.h"
#include "runtime/io_thread.h"
#include "sink/session_time.h"
#include "sink/shared_receiver.h"

namespace mailweir::intake {
class TlsIdentity;
}

namespace mailweir::sink {

struct TwinOptions {
  std::vector<Endpoint> endpoints;  // port 0: a free one; at least one
  std::string host_name = "sink.localhost";
  std::uint64_t message_size_max = std::uint64_t{100} << 20;
  std::size_t sessions_max = 20'000;  // connections above are closed at accept
  std::size_t silent_max = 10'000;    // sessions kept in silence; more are closed instead
  std::string ledger_file;            // see ledger.h; empty: none
  std::string log_file;               // see attempt_log.h; empty: none
};

struct TwinCounts {
  std::size_t sessions = 0;  // open now
  std::size_t silent = 0;    // of them, never to be answered
  std::uint64_t turned_away = 0;
  std::uint64_t messages = 0;
};

class Twin {
 public:
  // Borrows everything; the threads run until stop() has returned. `tls` may be null: then STARTTLS
  // is not offered.
  Twin(TwinOptions options, const std::vector<runtime::IoThread*>& threads,
       const runtime::Clock& clock, SharedReceiver& receiver, SessionTime& time,
       const intake::TlsIdentity* tls = nullptr);
  ~Twin();  // stop() must have been called, if start() succeeded
  Twin(const Twin&) = delete;
  Twin& operator=(const Twin&) = delete;

  // Opens the files and listens on everything or, failing, on nothing; the error says which failed.
  // Not from an IoThread.
  Result<void> start();
  // Closes listeners and connections, and returns when no session is left. Not from an IoThread.
  void stop();

  const std::vector<Endpoint>& endpoints() const;  // with the real ports, after start()
  TwinCounts counts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mailweir::sink
