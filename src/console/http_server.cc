#include "console/http_server.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <future>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "console/http_session.h"
#include "console/listener.h"
#include "runtime/task_group.h"

namespace mailweir::console {
namespace {

namespace asio = runtime::asio;
using runtime::Task;
using runtime::use_task;

// After the process has run out of descriptors, accept(2) fails at once each time.
constexpr std::chrono::milliseconds accept_pause{100};

std::string unix_actor(StreamSocket& socket) {
  struct ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return "uid unknown";
  return fmt::format("uid {}", peer.uid);
}

// Best effort: it must not wait for the peer.
void refuse(StreamSocket socket) {
  static constexpr std::string_view busy =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  boost::system::error_code ec;
  socket.non_blocking(true, ec);
  if (!ec) socket.write_some(asio::buffer(busy.data(), busy.size()), ec);
}

struct SocketFile {
  dev_t device = 0;
  ino_t inode = 0;
};

std::optional<SocketFile> identify(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  return SocketFile{status.st_dev, status.st_ino};
}

// One of the connections a listener may have.
class Seat {
 public:
  explicit Seat(std::size_t& count) : count_(&count) { ++count; }
  Seat(Seat&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  Seat& operator=(Seat&&) = delete;
  ~Seat() {
    if (count_ != nullptr) --*count_;
  }

 private:
  std::size_t* count_;
};

}  // namespace

struct HttpServer::State {
  State(HttpServerOptions opts, runtime::IoThread& io_thread, const Router& routes)
      : options(std::move(opts)),
        thread(io_thread),
        router(routes),
        sessions(io_thread.executor()) {}

  HttpServerOptions options;
  runtime::IoThread& thread;
  const Router& router;
  runtime::TaskGroup sessions;
  std::vector<runtime::TcpAcceptor> tcp;
  std::optional<UnixAcceptor> local;
  std::optional<SocketFile> socket_file;
  std::vector<Endpoint> endpoints;
  std::size_t tcp_connections = 0;  // on the thread
  std::size_t unix_connections = 0;
  bool is_running = false;

  Result<void> listen();
  Task<void> accept_tcp(runtime::TcpAcceptor* acceptor);
  Task<void> accept_unix();
  Task<void> pause();
  void admit(StreamSocket socket, HttpPeer peer);
  Task<void> serve(StreamSocket socket, HttpPeer peer, Seat seat);
};

Result<void> HttpServer::State::listen() {
  for (const Endpoint& endpoint : options.listen) {
    WEIR_TRY(runtime::TcpAcceptor acceptor, listen_tcp(thread.executor(), endpoint));
    endpoints.push_back({endpoint.address, acceptor.local_endpoint().port()});
    tcp.push_back(std::move(acceptor));
  }
  if (!options.socket.empty()) {
    WEIR_TRY(UnixAcceptor acceptor, listen_unix(thread.executor(), options.socket));
    local.emplace(std::move(acceptor));
    socket_file = identify(options.socket);
  }
  return {};
}

Task<void> HttpServer::State::accept_tcp(runtime::TcpAcceptor* acceptor) {
  for (;;) {
    auto [ec, socket] = co_await acceptor->async_accept(use_task);
    if (ec == asio::error::operation_aborted) co_return;
    if (ec) {
      co_await pause();
      continue;
    }
    boost::system::error_code ignored;
    const auto peer = socket.remote_endpoint(ignored);
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    admit(StreamSocket(std::move(socket)), {Access::reader, "http " + peer.address().to_string()});
  }
}

Task<void> HttpServer::State::accept_unix() {
  for (;;) {
    auto [ec, socket] = co_await local->async_accept(use_task);
    if (ec == asio::error::operation_aborted) co_return;
    if (ec) {
      co_await pause();
      continue;
    }
    StreamSocket stream(std::move(socket));
    std::string actor = unix_actor(stream);
    admit(std::move(stream), {Access::operator_only, std::move(actor)});
  }
}

Task<void> HttpServer::State::pause() {
  runtime::Timer timer(thread.executor(), accept_pause);
  co_await timer.async_wait(use_task);
}

void HttpServer::State::admit(StreamSocket socket, HttpPeer peer) {
  std::size_t& count = peer.access == Access::reader ? tcp_connections : unix_connections;
  if (count >= options.connections_max) {
    refuse(std::move(socket));
  } else {
    sessions.spawn(serve(std::move(socket), std::move(peer), Seat(count)));
  }
}

Task<void> HttpServer::State::serve(StreamSocket socket, HttpPeer peer, Seat seat) {
  co_await serve_http(std::move(socket), std::move(peer), &router, &options);
  // `seat` is given back with the coroutine's frame.
}

HttpServer::HttpServer(HttpServerOptions options, runtime::IoThread& thread, const Router& router)
    : state_(std::make_unique<State>(std::move(options), thread, router)) {}

HttpServer::~HttpServer() {
  WEIR_ASSERT(!state_->is_running);
}

Result<void> HttpServer::start() {
  WEIR_ASSERT(!state_->is_running);
  if (auto listening = state_->listen(); !listening) {
    state_->tcp.clear();
    state_->endpoints.clear();
    return listening;
  }
  state_->is_running = true;
  state_->thread.run([state = state_.get()] {
    for (auto& acceptor : state->tcp) state->sessions.spawn(state->accept_tcp(&acceptor));
    if (state->local) state->sessions.spawn(state->accept_unix());
  });
  return {};
}

void HttpServer::stop() {
  State& state = *state_;
  if (!std::exchange(state.is_running, false)) return;
  auto empty = std::make_shared<std::promise<void>>();
  state.thread.post([&state, empty] {
    state.sessions.cancel();
    state.sessions.when_empty([&state, empty] {
      state.tcp.clear();
      state.local.reset();
      empty->set_value();
    });
  });
  empty->get_future().wait();
  // Another server may have taken the path over meanwhile; its file stays.
  const auto now = state.options.socket.empty() ? std::nullopt : identify(state.options.socket);
  if (now && state.socket_file && now->inode == state.socket_file->inode &&
      now->device == state.socket_file->device) {
    ::unlink(state.options.socket.c_str());
  }
}

const std::vector<Endpoint>& HttpServer::endpoints() const {
  return state_->endpoints;
}

}  // namespace mailweir::console
