// The doors of the admin server: sockets bound and listening, before any session. For
// http_server.cc only.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <string>

#include "base/networks.h"
#include "base/result.h"
#include "runtime/task.h"

namespace mailweir::console {

using UnixAcceptor =
    runtime::asio::basic_socket_acceptor<runtime::asio::local::stream_protocol, runtime::Executor>;

Result<runtime::TcpAcceptor> listen_tcp(const runtime::Executor& executor,
                                        const Endpoint& endpoint);

// The socket file gets mode 0600 before anybody can connect. One left over by a dead process is
// replaced; if something answers behind it, or if the path is no socket, it fails with `refused`.
Result<UnixAcceptor> listen_unix(const runtime::Executor& executor, const std::string& path);

}  // namespace mailweir::console
