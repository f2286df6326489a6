// The HttpServer is the admin server: HTTP/1.1 over TCP for readers and over a Unix socket for
// operators.
//
// It runs on the IoThread it is given; handlers are called there and must not block. A request over
// TCP must name this machine in Host (host_guard.h). No CORS, no compression, no ranges. Every wait
// for the other side has a deadline, every size a limit; at a limit the request is answered with a
// problem (RFC 9457) where that is still possible, and the connection ends. RFC 9110, RFC 9112.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/networks.h"
#include "base/result.h"
#include "console/router.h"
#include "runtime/io_thread.h"

namespace mailweir::console {

struct HttpServerOptions {
  std::vector<Endpoint> listen;         // TCP; port 0: any free one
  std::string socket;                   // path of the Unix socket, made with mode 0600; empty: none
  std::vector<std::string> host_names;  // allowed in Host besides localhost and IP addresses
  std::size_t connections_max = 256;    // over TCP, and as many again over the Unix socket
  std::size_t header_max = 8192;        // bytes
  std::chrono::milliseconds header_time{std::chrono::seconds(10)};  // for a whole header
  std::chrono::milliseconds body_time{std::chrono::seconds(60)};    // for a whole body
  std::chrono::milliseconds idle_time{
      std::chrono::seconds(30)};  // between requests, and for the peer to take more of an answer
};

class HttpServer {
 public:
  // Borrows `thread` and `router`; both outlive it, and the router no longer changes.
  HttpServer(HttpServerOptions options, runtime::IoThread& thread, const Router& router);
  ~HttpServer();  // stop() must have been called if start() succeeded
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Listens on everything or, failing, on nothing. A socket file is replaced only if nobody answers
  // behind it. Not from `thread`.
  Result<void> start();
  // Closes listeners and connections, removes the socket file, returns when no session is left.
  // Handlers not yet answered may still answer later; that goes nowhere. Not from `thread`.
  void stop();

  // The TCP endpoints listened on, with the real ports; valid after start().
  const std::vector<Endpoint>& endpoints() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mailweir::console
