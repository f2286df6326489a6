#include "sink/twin.h"

#include <sys/socket.h>

#include <boost/asio/ip/v6_only.hpp>
#include <latch>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "intake/asio_address.h"
#include "sink/twin_session.h"

namespace mailweir::sink {
namespace {

using Tcp = boost::asio::ip::tcp;

constexpr int backlog = 1024;

smtp::ServerOptions server_options(const TwinOptions& options, bool offers_starttls) {
  smtp::ServerOptions server;
  server.host_name = options.host_name;
  server.message_size_max = options.message_size_max;
  server.offers_starttls = offers_starttls;
  // How much a client may annoy its host is the models' to say.
  server.errors_soft_max = std::numeric_limits<std::size_t>::max();
  server.errors_max = std::numeric_limits<std::size_t>::max();
  server.junk_max = std::numeric_limits<std::size_t>::max();
  return server;
}

Result<void> listen(runtime::TcpAcceptor& acceptor, Endpoint& endpoint) {
  const Tcp::endpoint at(intake::to_asio(endpoint.address), endpoint.port);
  boost::system::error_code ec;
  const auto failed = [&] {
    return fail(Errc::invalid_argument,
                "cannot listen on " + to_string(endpoint) + ": " + ec.message());
  };
  if (acceptor.open(at.protocol(), ec); ec) return failed();
  acceptor.set_option(Tcp::acceptor::reuse_address(true), ec);
  acceptor.set_option(Tcp::no_delay(true), ec);  // sessions inherit it
  if (at.protocol() == Tcp::v6()) acceptor.set_option(boost::asio::ip::v6_only(true), ec);
  if (acceptor.bind(at, ec); ec) return failed();
  if (acceptor.listen(backlog, ec); ec) return failed();
  endpoint.port = acceptor.local_endpoint(ec).port();
  return {};
}

}  // namespace

struct Twin::State {
  State(TwinOptions twin_options, const std::vector<runtime::IoThread*>& threads,
        const runtime::Clock& clock, SharedReceiver& receiver, SessionTime& time,
        const intake::TlsIdentity* tls)
      : options(std::move(twin_options)), door{clock, receiver, time} {
    door.tls = tls;
    door.server = server_options(options, tls != nullptr);
    door.sessions_max = options.sessions_max;
    door.silent_max = options.silent_max;
    for (auto* thread : threads) workers.push_back(std::make_unique<TwinWorker>(*thread));
  }

  Result<void> open_files();
  runtime::Task<void> accept_sessions(std::uint16_t host);
  void admit(TwinWorker& worker, runtime::TcpSocket socket, const IpAddress& source,
             std::uint16_t host);
  static runtime::Task<void> run_session(TwinDoor& door, TwinWorker& worker,
                                         runtime::TcpSocket socket, IpAddress source,
                                         std::uint16_t host);

  TwinOptions options;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<AttemptLog> log;
  TwinDoor door;
  std::vector<std::unique_ptr<TwinWorker>> workers;
  std::vector<runtime::TcpAcceptor> acceptors;  // on the first worker's thread, once started
  std::size_t next_worker = 0;
  bool is_started = false;
};

Result<void> Twin::State::open_files() {
  if (!options.ledger_file.empty()) {
    WEIR_TRY(ledger, Ledger::open(options.ledger_file));
    door.ledger = ledger.get();
  }
  if (!options.log_file.empty()) {
    WEIR_TRY(log, AttemptLog::open(options.log_file));
    door.log = log.get();
  }
  return {};
}

runtime::Task<void> Twin::State::accept_sessions(std::uint16_t host) {
  auto& acceptor = acceptors[host];
  while (acceptor.is_open()) {
    auto& worker = *workers[next_worker++ % workers.size()];
    Tcp::endpoint peer;
    auto [ec, socket] =
        co_await acceptor.async_accept(worker.thread.executor(), peer, runtime::use_task);
    if (!acceptor.is_open()) co_return;
    if (!ec) {
      admit(worker, std::move(socket), intake::from_asio(peer.address()), host);
    } else if (ec != boost::asio::error::connection_aborted) {
      // Out of descriptors or memory: sessions must end before trying again makes sense.
      runtime::Timer pause(acceptor.get_executor(), std::chrono::milliseconds(50));
      co_await pause.async_wait(runtime::use_task);
    }
  }
}

void Twin::State::admit(TwinWorker& worker, runtime::TcpSocket socket, const IpAddress& source,
                        std::uint16_t host) {
  if (door.sessions.fetch_add(1) >= door.sessions_max) {
    door.sessions.fetch_sub(1);
    door.turned_away.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (worker.thread.is_current())
    return worker.tasks.spawn(run_session(door, worker, std::move(socket), source, host));
  worker.thread.post([this, &worker, moved = std::move(socket), source, host]() mutable {
    worker.tasks.spawn(run_session(door, worker, std::move(moved), source, host));
  });
}

// Both outlive the session: the worker waits for its tasks.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-reference-coroutine-parameters)
runtime::Task<void> Twin::State::run_session(TwinDoor& door, TwinWorker& worker,
                                             runtime::TcpSocket socket, IpAddress source,
                                             std::uint16_t host) {
  struct Leaving {
    TwinDoor& door;
    ~Leaving() { door.sessions.fetch_sub(1); }
  } const leaving{door};
  TwinSession session(door, worker, std::move(socket), source);
  co_await session.run(host);
}

Twin::Twin(TwinOptions options, const std::vector<runtime::IoThread*>& threads,
           const runtime::Clock& clock, SharedReceiver& receiver, SessionTime& time,
           const intake::TlsIdentity* tls)
    : state_(std::make_unique<State>(std::move(options), threads, clock, receiver, time, tls)) {}

Twin::~Twin() {
  WEIR_ASSERT(!state_->is_started);
}

Result<void> Twin::start() {
  auto& state = *state_;
  WEIR_ASSERT(!state.is_started && !state.options.endpoints.empty());
  WEIR_CHECK(state.open_files());
  auto& first = *state.workers.front();
  for (auto& endpoint : state.options.endpoints) {
    auto& acceptor = state.acceptors.emplace_back(first.thread.executor());
    WEIR_CHECK(listen(acceptor, endpoint));
  }
  state.is_started = true;
  first.thread.run([&] {
    for (std::size_t i = 0; i < state.acceptors.size(); ++i)
      first.tasks.spawn(state.accept_sessions(static_cast<std::uint16_t>(i)));
  });
  return {};
}

void Twin::stop() {
  auto& state = *state_;
  if (!std::exchange(state.is_started, false)) return;
  state.workers.front()->thread.run([&] {
    boost::system::error_code ec;
    for (auto& acceptor : state.acceptors) acceptor.close(ec);
  });
  std::latch left(static_cast<std::ptrdiff_t>(state.workers.size()));
  for (auto& worker : state.workers) {
    worker->thread.run([&] {
      worker->tasks.cancel();
      worker->tasks.when_empty([&left] { left.count_down(); });
    });
  }
  left.wait();
}

const std::vector<Endpoint>& Twin::endpoints() const {
  return state_->options.endpoints;
}

TwinCounts Twin::counts() const {
  const auto& door = state_->door;
  return {.sessions = door.sessions.load(),
          .silent = door.silent.load(),
          .turned_away = door.turned_away.load(),
          .messages = door.messages.load()};
}

}  // namespace mailweir::sink
