#include "server/serve.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "config/load_config.h"
#include "server/server.h"

namespace mailweir::server {
namespace {

constexpr int exit_cannot_start = 1;
constexpr int exit_bad_config = 5;

// The signals are taken by sigwait() on the main thread, so every thread must be born with them
// blocked.
sigset_t block_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGHUP);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

// sd_notify(3) without its library: one datagram.
void tell_service_manager(std::string_view state) {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || std::strlen(path) >= sizeof(sockaddr_un::sun_path)) return;
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address), length);
  ::close(fd);
}

void print_problems(const std::vector<config::Problem>& problems) {
  for (const config::Problem& problem : problems)
    fmt::print(stderr, "{}\n", config::to_string(problem));
}

void run_until_stopped(Server& server, const sigset_t& signals) {
  while (true) {
    int signal = 0;
    if (::sigwait(&signals, &signal) != 0) continue;
    if (signal == SIGHUP) {
      if (const auto effects = server.reload("signal"); effects) {
        for (const std::string& effect : *effects) fmt::print(stderr, "  {}\n", effect);
      } else {
        fmt::print(stderr, "mailweir: the configuration was not reloaded:\n{}\n",
                   effects.error().context);
      }
      continue;
    }
    fmt::print(stderr, "mailweir: stopping; transactions under way may finish\n");
    tell_service_manager("STOPPING=1");
    server.stop(signal == SIGTERM ? "SIGTERM" : "SIGINT");
    fmt::print(stderr, "mailweir: stopped\n");
    return;
  }
}

}  // namespace

int serve(const std::string& config_file) {
  const sigset_t signals = block_signals();
  auto loaded =
      config_file.empty() ? config::load_default_config() : config::load_config(config_file);
  if (!loaded) {
    print_problems(loaded.error());
    fmt::print(stderr, "mailweir: the configuration has {} problem(s); not started\n",
               loaded.error().size());
    return exit_bad_config;
  }
  print_problems(loaded->warnings);
  auto server = Server::start({.config_file = config_file}, std::move(*loaded));
  if (!server) {
    fmt::print(stderr, "mailweir: cannot start: {}\n", server.error().context);
    return exit_cannot_start;
  }
  fmt::print("{}", (*server)->banner());
  std::fflush(stdout);
  tell_service_manager("READY=1");
  run_until_stopped(**server, signals);
  return 0;
}

}  // namespace mailweir::server
