#include "intake/smtp_listener.h"

#include <sys/socket.h>

#include <boost/asio/ip/v6_only.hpp>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/assert.h"
#include "intake/asio_address.h"
#include "intake/smtp_session.h"

namespace mailweir::intake {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

constexpr int backlog = 1024;

// Counts the workers that have no session left.
class Farewell {
 public:
  explicit Farewell(std::size_t workers) : left_(workers) {}

  void one_is_empty() {
    const std::lock_guard lock(mutex_);
    if (--left_ == 0) all_empty_.notify_all();
  }
  bool wait_for(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return all_empty_.wait_for(lock, time, [this] { return left_ == 0; });
  }
  void wait() {
    std::unique_lock lock(mutex_);
    all_empty_.wait(lock, [this] { return left_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_empty_;
  std::size_t left_;
};

}  // namespace

struct SmtpListener::State {
  State(ListenerOptions first_options, const std::vector<runtime::IoThread*>& threads,
        SmtpDoor shared_door)
      : door(shared_door), acceptor(threads.front()->executor()) {
    adopt(std::move(first_options));
    for (auto* thread : threads) workers.push_back(std::make_unique<SmtpWorker>(*thread, door));
  }

  void adopt(ListenerOptions fresh) {
    WEIR_ASSERT(fresh.times.content_rate_min > 0);
    fresh.server.offers_starttls = door.tls != nullptr;
    options = std::make_shared<const ListenerOptions>(std::move(fresh));
  }

  Result<void> listen();
  runtime::Task<void> accept_sessions();
  void admit(SmtpWorker& worker, runtime::TcpSocket socket, const IpAddress& client);
  void refuse(runtime::TcpSocket& socket, std::string_view line);
  static void enter(State& state, SmtpWorker& worker,
                    std::shared_ptr<const ListenerOptions> options, runtime::TcpSocket socket,
                    const IpAddress& client);
  static runtime::Task<void> run_session(State& state, SmtpWorker& worker,
                                         std::shared_ptr<const ListenerOptions> options,
                                         runtime::TcpSocket socket, IpAddress client);

  SmtpDoor door;
  std::shared_ptr<const ListenerOptions> options;  // used on the first thread only, once started
  runtime::TcpAcceptor acceptor;
  std::uint16_t port = 0;
  SessionCaps caps;
  std::vector<std::unique_ptr<SmtpWorker>> workers;
  bool is_started = false;
};

Result<void> SmtpListener::State::listen() {
  const auto& endpoint = options->endpoint;
  const Tcp::endpoint at(to_asio(endpoint.address), endpoint.port);
  boost::system::error_code ec;
  const auto failed = [&] {
    return fail(Errc::invalid_argument,
                "cannot listen on " + to_string(endpoint) + ": " + ec.message() +
                    "; end what uses it, or give smtp.listen another address or port");
  };
  if (acceptor.open(at.protocol(), ec); ec) return failed();
  acceptor.set_option(Tcp::acceptor::reuse_address(true), ec);
  // Sessions inherit it. A reply is one write, and must not wait for the acknowledgement of the one
  // before.
  acceptor.set_option(Tcp::no_delay(true), ec);
  if (at.protocol() == Tcp::v6()) acceptor.set_option(asio::ip::v6_only(true), ec);
  if (acceptor.bind(at, ec); ec) return failed();
  if (acceptor.listen(backlog, ec); ec) return failed();
  port = acceptor.local_endpoint(ec).port();
  return {};
}

// Round robin, so that few long sessions spread as evenly as many short ones; SO_REUSEPORT would
// leave that to a hash.
runtime::Task<void> SmtpListener::State::accept_sessions() {
  for (std::size_t next = 0; acceptor.is_open(); next = (next + 1) % workers.size()) {
    auto& worker = *workers[next];
    Tcp::endpoint peer;
    auto [ec, socket] =
        co_await acceptor.async_accept(worker.thread.executor(), peer, runtime::use_task);
    if (!acceptor.is_open()) co_return;
    if (!ec) {
      admit(worker, std::move(socket), from_asio(peer.address()));
    } else if (ec != asio::error::connection_aborted) {
      // Out of descriptors or memory: sessions must end before trying again makes sense.
      runtime::Timer pause(acceptor.get_executor(), std::chrono::milliseconds(50));
      co_await pause.async_wait(runtime::use_task);
    }
  }
}

void SmtpListener::State::admit(SmtpWorker& worker, runtime::TcpSocket socket,
                                const IpAddress& client) {
  auto& statistics = door.statistics;
  switch (caps.enter(client, options->caps)) {
    case SessionCaps::Verdict::too_many:
      add(statistics.sessions_refused_total_cap);
      return refuse(socket, "421 4.7.0 Too many sessions, try again later\r\n");
    case SessionCaps::Verdict::too_many_from_address:
      add(statistics.sessions_refused_address_cap);
      return refuse(socket, "421 4.7.0 Too many sessions from your address\r\n");
    case SessionCaps::Verdict::admitted:
      break;
  }
  add(statistics.sessions_accepted);
  add(statistics.sessions_open);
  if (worker.thread.is_current()) return enter(*this, worker, options, std::move(socket), client);
  worker.thread.post(
      [this, &worker, shared = options, moved = std::move(socket), client]() mutable {
        enter(*this, worker, std::move(shared), std::move(moved), client);
      });
}

// On the worker's thread.
void SmtpListener::State::enter(State& state, SmtpWorker& worker,
                                std::shared_ptr<const ListenerOptions> options,
                                runtime::TcpSocket socket, const IpAddress& client) {
  worker.tasks.spawn(run_session(state, worker, std::move(options), std::move(socket), client));
}

// Both outlive the session: the worker waits for its tasks.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
runtime::Task<void> SmtpListener::State::run_session(State& state, SmtpWorker& worker,
                                                     std::shared_ptr<const ListenerOptions> options,
                                                     runtime::TcpSocket socket, IpAddress client) {
  {
    SmtpSession session(worker, std::move(options), std::move(socket), client);
    if (worker.is_stopping) session.stop();
    co_await session.run();
  }
  state.caps.leave(client);
  subtract(state.door.statistics.sessions_open);
}

// Best effort: a client that cannot take one line at once gets none.
void SmtpListener::State::refuse(runtime::TcpSocket& socket, std::string_view line) {
  ::send(socket.native_handle(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

SmtpListener::SmtpListener(ListenerOptions options, const std::vector<runtime::IoThread*>& threads,
                           SmtpDoor door)
    : state_(std::make_unique<State>(std::move(options), threads, door)) {}

SmtpListener::~SmtpListener() {
  WEIR_ASSERT(!state_->is_started);
}

Result<void> SmtpListener::start() {
  WEIR_ASSERT(!state_->is_started);
  WEIR_CHECK(state_->listen());
  state_->is_started = true;
  auto& first = *state_->workers.front();
  first.thread.run([&] { first.tasks.spawn(state_->accept_sessions()); });
  return {};
}

std::uint16_t SmtpListener::port() const {
  return state_->port;
}

void SmtpListener::reconfigure(ListenerOptions options) {
  state_->workers.front()->thread.run([&] { state_->adopt(std::move(options)); });
}

void SmtpListener::stop(std::chrono::milliseconds grace) {
  if (!std::exchange(state_->is_started, false)) return;
  auto& workers = state_->workers;
  workers.front()->thread.run([&] {
    boost::system::error_code ec;
    state_->acceptor.close(ec);
  });
  const auto farewell = std::make_shared<Farewell>(workers.size());
  for (auto& worker : workers) {
    worker->thread.run([&] {
      worker->is_stopping = true;
      for (auto* session : worker->sessions) session->stop();
      worker->tasks.when_empty([farewell] { farewell->one_is_empty(); });
    });
  }
  if (farewell->wait_for(grace)) return;
  for (auto& worker : workers) {
    worker->thread.run([&] {
      worker->inbox.close();
      const auto sessions = worker->sessions;  // an abandoned one may end at once
      for (auto* session : sessions) session->abandon();
    });
  }
  farewell->wait();
}

}  // namespace mailweir::intake
