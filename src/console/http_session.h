// One connection of the admin server: requests one after the other, each handed to its route's
// handler. For http_server.cc only.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <string>

#include "console/http_server.h"
#include "console/router.h"
#include "runtime/task.h"

namespace mailweir::console {

// TCP or Unix: one code for both.
using StreamSocket =
    runtime::asio::basic_stream_socket<runtime::asio::generic::stream_protocol, runtime::Executor>;

struct HttpPeer {
  Access access = Access::reader;
  std::string actor;
};

// Serves until the peer leaves, breaks the protocol, or lets a deadline pass. Borrows `router` and
// `options`.
runtime::Task<void> serve_http(StreamSocket socket, HttpPeer peer, const Router* router,
                               const HttpServerOptions* options);

}  // namespace mailweir::console
