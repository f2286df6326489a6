// A receiving SMTP server that does nothing but count and record: one thread, epoll, IPv4.
//
// A line `local_part domain time_us ok|bad|- stamp` is in the ledger before the 250 that answers
// the message. The time is CLOCK_MONOTONIC; the fourth word tells whether the text is what
// weir_source sent (with --verify); `stamp` is as weir_source's.
//
// SIGUSR1 makes it accept everything from then on, without a break in its service.
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <deque>
#include <memory>
#include <random>
#include <unordered_map>
#include <vector>

#include "ledger.h"
#include "message_text.h"
#include "options.h"

namespace {
using namespace weir_tools;

struct Options {
  std::vector<sockaddr_in> listen;
  std::string ledger;
  std::string stats;
  std::string stamp;
  std::string save;  // folder: every message becomes a file there, as it came over the wire
  std::unordered_map<std::string, std::string>
      refuse;  // recipient domain → whole reply line at RCPT
  double tempfail_share = 0;
  std::int64_t delay_us = 0;
  bool verify = false;
  bool pipelining = true;
};

// Shared with whoever maps the --stats file; 64-bit little-endian words in this order.
struct Stats {
  std::uint64_t messages, recipients, bytes, first_us, last_us, connections, refused, open_sessions,
      bad, open_sessions_max;
};

std::int64_t now_us() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000 + t.tv_nsec / 1000;
}

struct Session {
  int fd = -1;
  bool in_data = false;
  bool deciding =
      false;  // its 250 is delayed: what was pipelined behind waits, as replies have an order
  bool quit = false;
  bool write_armed = false;
  std::string in;        // unparsed commands, or the message text so far
  std::size_t seen = 0;  // of `in`: searched already for the end of data
  std::string out;
  std::vector<std::pair<std::string, std::string>> recipients;  // local part, domain
};

struct Delayed {
  std::int64_t due_us;
  int fd;
  std::uint64_t generation;
};

class Sink {
 public:
  explicit Sink(Options options)
      : options_(std::move(options)), ledger_(options_.ledger, false), stamp_(options_.stamp) {
    map_stats();
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGUSR1);
    sigprocmask(SIG_BLOCK, &mask, nullptr);
    signals_ = signalfd(-1, &mask, SFD_CLOEXEC);
    watch(signals_, EPOLLIN, EPOLL_CTL_ADD);
    for (const auto& where : options_.listen) listen_on(where);
  }

  void run() {
    std::vector<epoll_event> events(256);
    for (;;) {
      const int count =
          epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms());
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == signals_ && is_told_to_end()) return report();
        if (fd == signals_) continue;
        if (std::ranges::find(listeners_, fd) != listeners_.end())
          accept_all(fd);
        else if (const auto it = sessions_.find(fd); it != sessions_.end())
          on_ready(*it->second);
      }
      ledger_.flush();  // before any of the 250s below
      release_delayed();
      for (const int fd : touched_) {
        if (const auto it = sessions_.find(fd); it != sessions_.end()) write_out(*it->second);
      }
      touched_.clear();
    }
  }

 private:
  void map_stats() {
    stats_ = &own_stats_;
    if (options_.stats.empty()) return;
    const int fd = ::open(options_.stats.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || ftruncate(fd, sizeof(Stats)) != 0) fail("cannot create", options_.stats);
    void* memory = mmap(nullptr, sizeof(Stats), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) fail("cannot map", options_.stats);
    ::close(fd);
    stats_ = static_cast<Stats*>(memory);
  }

  void watch(int fd, std::uint32_t events, int operation) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    epoll_ctl(epoll_, operation, fd, &event);
  }

  bool is_told_to_end() {
    signalfd_siginfo signal{};
    if (::read(signals_, &signal, sizeof signal) != sizeof signal) return true;
    if (signal.ssi_signo != SIGUSR1) return true;
    options_.refuse.clear();
    options_.tempfail_share = 0;
    return false;
  }

  void listen_on(const sockaddr_in& where) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 ||
        listen(fd, 1024) != 0)
      fail("cannot listen:", std::strerror(errno));
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
    std::printf("listening=%u\n", ntohs(bound.sin_port));
    std::fflush(stdout);
    listeners_.push_back(fd);
    watch(fd, EPOLLIN, EPOLL_CTL_ADD);
  }

  int timeout_ms() const {
    if (delayed_.empty()) return -1;
    return static_cast<int>(
        std::max<std::int64_t>(0, (delayed_.front().due_us - now_us() + 999) / 1000));
  }

  void accept_all(int listener) {
    for (int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); fd >= 0;
         fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) {
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      auto session = std::make_unique<Session>();
      session->fd = fd;
      watch(fd, EPOLLIN, EPOLL_CTL_ADD);
      reply(*session, "220 sink.weir.test ESMTP\r\n");
      sessions_[fd] = std::move(session);
      ++generation_[fd];
      ++stats_->connections;
      stats_->open_sessions_max = std::max(stats_->open_sessions_max, ++stats_->open_sessions);
    }
  }

  void close_session(Session& session) {
    const int fd = session.fd;
    ++generation_[fd];
    ::close(fd);
    sessions_.erase(fd);
    --stats_->open_sessions;
  }

  void reply(Session& session, std::string_view text) {
    if (session.out.empty()) touched_.push_back(session.fd);
    session.out.append(text);
  }

  void on_ready(Session& session) {
    if (session.write_armed) touched_.push_back(session.fd);
    char buffer[65536];
    for (;;) {
      const auto got = ::read(session.fd, buffer, sizeof buffer);
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return close_session(session);
      session.in.append(buffer, static_cast<std::size_t>(got));
      take_input(session);
      if (static_cast<std::size_t>(got) < sizeof buffer) return;
    }
  }

  void take_input(Session& session) {
    while (!session.deciding && (session.in_data ? take_text(session) : take_command(session))) {
    }
  }

  bool take_command(Session& session) {
    const auto end = session.in.find("\r\n");
    if (end == std::string::npos) return false;
    std::string line = session.in.substr(0, end);
    session.in.erase(0, end + 2);
    const auto is = [&line](std::string_view verb) {
      return strncasecmp(line.c_str(), verb.data(), verb.size()) == 0;
    };
    if (is("EHLO")) {
      reply(session, options_.pipelining ? "250-sink.weir.test\r\n250-PIPELINING\r\n250-"
                                           "8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n"
                                         : "250-sink.weir.test\r\n250 8BITMIME\r\n");
    } else if (is("RCPT TO:")) {
      on_rcpt(session, line);
    } else if (is("DATA")) {
      session.in_data = !session.recipients.empty();
      reply(session, session.in_data ? "354 go on\r\n" : "503 5.5.1 no recipients\r\n");
    } else if (is("QUIT")) {
      reply(session, "221 2.0.0 bye\r\n");
      session.quit = true;
    } else if (is("MAIL FROM:") || is("RSET")) {
      session.recipients.clear();
      reply(session, "250 2.0.0 ok\r\n");
    } else {
      reply(session, is("HELO") || is("NOOP") ? "250 2.0.0 ok\r\n" : "502 5.5.2 unknown\r\n");
    }
    return true;
  }

  void on_rcpt(Session& session, const std::string& line) {
    const auto open = line.find('<');
    const auto close = line.find('>');
    const auto at = line.rfind('@', close);
    if (open == std::string::npos || close == std::string::npos || at == std::string::npos ||
        at < open)
      return reply(session, "501 5.1.3 bad address\r\n");
    std::string domain = line.substr(at + 1, close - at - 1);
    if (const auto it = options_.refuse.find(domain); it != options_.refuse.end()) {
      ++stats_->refused;
      return reply(session, it->second);
    }
    if (options_.tempfail_share > 0 &&
        std::uniform_real_distribution<>(0, 1)(random_) < options_.tempfail_share) {
      ++stats_->refused;
      return reply(session, "451 4.7.1 try again later\r\n");
    }
    session.recipients.emplace_back(line.substr(open + 1, at - open - 1), std::move(domain));
    reply(session, "250 2.1.5 ok\r\n");
  }

  bool take_text(Session& session) {
    // The CRLF before the final dot may be the one that ended the DATA command: an empty message.
    const bool empty = session.in.starts_with(".\r\n");
    const auto end = empty ? 0 : session.in.find("\r\n.\r\n", session.seen);
    if (end == std::string::npos) {
      session.seen = session.in.size() < 4 ? 0 : session.in.size() - 4;
      return false;
    }
    on_message(session, std::string_view(session.in).substr(0, empty ? 0 : end + 2));
    session.in.erase(0, empty ? 3 : end + 5);
    session.seen = 0;
    session.in_data = false;
    session.recipients.clear();
    return true;
  }

  void on_message(Session& session, std::string_view text) {
    const auto now = now_us();
    const char* verdict = !options_.verify                                     ? "-"
                          : is_as_sent(text, session.recipients.front().first) ? "ok"
                                                                               : "bad";
    if (*verdict == 'b') ++stats_->bad;
    const auto tail = std::string(" ") + verdict + ' ' + std::to_string(stamp_.read()) + '\n';
    for (const auto& [local_part, domain] : session.recipients)
      ledger_.append(local_part + ' ' + domain + ' ' + std::to_string(now) + tail);
    if (stats_->first_us == 0) stats_->first_us = static_cast<std::uint64_t>(now);
    stats_->last_us = static_cast<std::uint64_t>(now);
    stats_->recipients += session.recipients.size();
    stats_->bytes += text.size();
    ++stats_->messages;
    if (!options_.save.empty()) save(text);
    if (options_.delay_us > 0) {
      session.deciding = true;
      delayed_.push_back({now + options_.delay_us, session.fd, generation_[session.fd]});
    } else {
      reply(session, "250 2.0.0 taken\r\n");
    }
  }

  void save(std::string_view text) const {
    Ledger file(options_.save + '/' + std::to_string(stats_->messages) + ".eml", false);
    file.append(text);
  }

  // Relays add lines on top; what the source wrote must follow unchanged.
  bool is_as_sent(std::string_view text, std::string_view token) {
    const auto body = text.find("\r\n\r\n");
    if (body == std::string_view::npos) return false;
    const auto content = text.substr(body + 4);
    auto& expected = fillers_[content.size()];
    if (expected.empty()) expected = filler(content.size());
    const auto subject = text.find("\r\nSubject: ");
    return content == expected && subject < body && text.substr(subject + 11).starts_with(token);
  }

  void release_delayed() {
    while (!delayed_.empty() && delayed_.front().due_us <= now_us()) {
      const auto [due, fd, generation] = delayed_.front();
      delayed_.pop_front();
      if (generation_[fd] != generation) continue;
      Session& session = *sessions_[fd];
      session.deciding = false;
      reply(session, "250 2.0.0 taken\r\n");
      take_input(session);
    }
  }

  void write_out(Session& session) {
    while (!session.out.empty()) {
      const auto written = ::send(session.fd, session.out.data(), session.out.size(), MSG_NOSIGNAL);
      if (written < 0) {
        if (errno != EAGAIN) return close_session(session);
        if (!session.write_armed) watch(session.fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
        session.write_armed = true;
        return;
      }
      session.out.erase(0, static_cast<std::size_t>(written));
    }
    if (session.write_armed) watch(session.fd, EPOLLIN, EPOLL_CTL_MOD);
    session.write_armed = false;
    if (session.quit) close_session(session);
  }

  void report() {
    ledger_.flush();
    std::printf(
        "messages=%lu\nrecipients=%lu\nbytes=%lu\nconnections=%lu\nrefused=%lu\nbad=%lu\nsessions_"
        "max=%lu\n",
        stats_->messages, stats_->recipients, stats_->bytes, stats_->connections, stats_->refused,
        stats_->bad, stats_->open_sessions_max);
  }

  Options options_;
  Ledger ledger_;
  Stamp stamp_;
  Stats own_stats_{};
  Stats* stats_ = nullptr;
  int epoll_ = -1;
  int signals_ = -1;
  std::vector<int> listeners_;
  std::unordered_map<int, std::unique_ptr<Session>> sessions_;
  std::unordered_map<int, std::uint64_t>
      generation_;  // tells a reused descriptor from the one a delayed reply was meant for
  std::vector<int> touched_;  // descriptors with something to write
  std::deque<Delayed> delayed_;
  std::unordered_map<std::size_t, std::string> fillers_;
  std::mt19937_64 random_{20};
};

Options parse(int argc, char** argv) {
  Options options;
  Arguments arguments(argc, argv);
  for (auto name = arguments.next_name(); !name.empty(); name = arguments.next_name()) {
    if (name == "--listen")
      options.listen.push_back(address(arguments.value()));
    else if (name == "--ledger")
      options.ledger = arguments.value();
    else if (name == "--stats")
      options.stats = arguments.value();
    else if (name == "--save")
      options.save = arguments.value();
    else if (name == "--stamp")
      options.stamp = arguments.value();
    else if (name == "--tempfail")
      options.tempfail_share = std::stod(arguments.value());
    else if (name == "--delay-ms")
      options.delay_us = number<std::int64_t>(arguments.value()) * 1000;
    else if (name == "--verify")
      options.verify = true;
    else if (name == "--no-pipelining")
      options.pipelining = false;
    else if (name == "--refuse") {  // --refuse parked.test=451 4.2.1 not now
      const auto text = arguments.value();
      const auto equals = text.find('=');
      if (equals == std::string::npos) fail("--refuse wants DOMAIN=REPLY, got", text);
      options.refuse[text.substr(0, equals)] = text.substr(equals + 1) + "\r\n";
    } else {
      fail("unknown argument", name);
    }
  }
  if (options.listen.empty())
    fail(
        "usage: weir_sink --listen ADDRESS:PORT [--ledger FILE] [--stats FILE] [--verify] "
        "[--delay-ms N]"
        " [--tempfail SHARE] [--refuse DOMAIN=REPLY] [--no-pipelining]");
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  Sink(parse(argc, argv)).run();
  return 0;
}
