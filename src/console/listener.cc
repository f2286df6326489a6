#include "console/listener.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

namespace mailweir::console {
namespace {

namespace asio = runtime::asio;
using UnixSocket = asio::basic_stream_socket<asio::local::stream_protocol, runtime::Executor>;

Error cannot_listen(const std::string& where, const std::string& why) {
  return Error{Errc::io, fmt::format("cannot listen on {}: {}", where, why)};
}

asio::ip::tcp::endpoint to_asio(const Endpoint& endpoint) {
  return {asio::ip::make_address(to_string(endpoint.address)), endpoint.port};
}

// Clears the way for bind(2); see listen_unix().
Result<void> remove_stale_socket(const runtime::Executor& executor, const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return std::unexpected(cannot_listen(path, std::generic_category().message(errno)));
  }
  if (!S_ISSOCK(status.st_mode)) {
    return fail(Errc::refused,
                fmt::format("cannot listen on {}: something that is not a socket is there; "
                            "move it away or set another admin.socket",
                            path));
  }
  UnixSocket probe(executor);
  boost::system::error_code ec;
  probe.connect(asio::local::stream_protocol::endpoint(path), ec);
  if (!ec) {
    return fail(Errc::refused,
                fmt::format("cannot listen on {}: another server answers there; stop it first, "
                            "or set another data_dir",
                            path));
  }
  if (ec != asio::error::connection_refused && ec.value() != ENOENT) {
    return std::unexpected(cannot_listen(path, ec.message()));
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return std::unexpected(cannot_listen(path, std::generic_category().message(errno)));
  }
  return {};
}

}  // namespace

Result<runtime::TcpAcceptor> listen_tcp(const runtime::Executor& executor,
                                        const Endpoint& endpoint) {
  runtime::TcpAcceptor acceptor(executor);
  const auto address = to_asio(endpoint);
  boost::system::error_code ec;
  acceptor.open(address.protocol(), ec);
  if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec && address.protocol() == asio::ip::tcp::v6())
    acceptor.set_option(asio::ip::v6_only(true), ec);
  if (!ec) acceptor.bind(address, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) {
    return std::unexpected(cannot_listen(
        to_string(endpoint),
        ec.message() + "; end what uses it, or give http.listen another address or port"));
  }
  return acceptor;
}

Result<UnixAcceptor> listen_unix(const runtime::Executor& executor, const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return fail(
        Errc::invalid_argument,
        fmt::format("cannot listen on {}: the path of a Unix socket may have at most {} bytes",
                    path, sizeof(sockaddr_un::sun_path) - 1));
  }
  WEIR_CHECK(remove_stale_socket(executor, path));
  UnixAcceptor acceptor(executor);
  const asio::local::stream_protocol::endpoint address(path);
  boost::system::error_code ec;
  acceptor.open(address.protocol(), ec);
  if (!ec) acceptor.bind(address, ec);
  if (ec) return std::unexpected(cannot_listen(path, ec.message()));
  // Nobody can connect before listen(2), so there is no moment with a wider mode.
  if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0) {
    return std::unexpected(cannot_listen(path, std::generic_category().message(errno)));
  }
  acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return std::unexpected(cannot_listen(path, ec.message()));
  return acceptor;
}

}  // namespace mailweir::console
