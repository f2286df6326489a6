// A Sink is an SMTP server that accepts every message, counts it and throws it away: where
// deliveries go until the operator says `mode = "live"`, and what tests deliver to.
//
// The same listener and sessions as the real door, with an acceptor that keeps nothing. What a
// receiving system may answer before the final dot is a smtp::ServerPolicy's to say: a personality
// is one of those, borrowed, asked from every IoThread. Takes mail from loopback only.
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

namespace mailweir::smtp {
class ServerPolicy;
}
namespace mailweir::intake {
class TlsIdentity;
}

namespace mailweir::sink {

struct SinkOptions {
  Endpoint endpoint;  // port 0: a free one
  std::string host_name = "sink.localhost";
  std::uint64_t message_size_max = std::uint64_t{100} << 20;
  std::string ledger_file;  // see ledger.h; empty: none
};

struct SinkCounts {
  std::uint64_t sessions = 0;
  std::uint64_t messages = 0;
  std::uint64_t recipients = 0;
  std::uint64_t content_bytes = 0;
};

class Sink {
 public:
  // Borrows everything; the threads run until stop() has returned. `tls` and `personality` may be
  // null.
  Sink(const SinkOptions& options, const std::vector<runtime::IoThread*>& threads,
       const runtime::Clock& clock, const intake::TlsIdentity* tls = nullptr,
       smtp::ServerPolicy* personality = nullptr);
  ~Sink();  // stop() must have been called, if start() succeeded
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  // Opens the ledger and listens; the error says which failed. Not from an IoThread.
  Result<void> start();
  std::uint16_t port() const;
  SinkCounts counts() const;
  // As SmtpListener::stop().
  void stop(std::chrono::milliseconds grace);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mailweir::sink
