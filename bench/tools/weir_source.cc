// A sending SMTP client that makes load and keeps books: one thread, epoll, IPv4.
//
// Every message has a token (`PREFIX-0000000001`) as the local part of its recipient and as its
// subject. The ledger has a line `token code start_us end_us stamp` for every message whose text
// was sent: `code` is the reply to the final dot, or `-` when the connection was lost before one
// came, so that nobody knows. Refusals before the text are lines too. Times are CLOCK_MONOTONIC.
// `stamp` is the 64-bit little-endian word at --stamp FILE:OFFSET at the moment of the reply: a
// fault injector's own clock.
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <deque>
#include <vector>

#include "ledger.h"
#include "message_text.h"
#include "options.h"

namespace {
using namespace weir_tools;

struct Options {
  sockaddr_in target{};
  std::string domain = "weir.test";
  std::string prefix = "m";
  std::string ledger;
  std::string stamp;
  std::size_t sessions = 20;
  std::size_t size = 4096;
  std::uint64_t messages = 0;        // 0: no limit
  std::uint64_t per_connection = 0;  // 0: no limit
  std::uint64_t recipients = 1;
  double rate = 0;  // messages a second over all sessions; 0: as fast as it goes
  double seconds = 0;
  bool pipeline = false;
  bool persist = false;  // connect again for as long as the server is away
  bool ledger_sync = false;
};

std::int64_t now_us() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000 + t.tv_nsec / 1000;
}

std::sig_atomic_t volatile stop_requested = 0;

enum class Phase { closed, connecting, banner, ehlo, idle, transaction, reset, quit };

struct Session {
  int fd = -1;
  Phase phase = Phase::closed;
  bool write_armed = false;
  std::string in;
  std::string out;
  std::size_t out_at = 0;
  std::string token;
  std::uint64_t replies = 0;  // of this transaction: MAIL, each RCPT, DATA, dot
  std::uint64_t sent_here = 0;
  int refusal = 0;  // the first reply ≥ 400 of this transaction
  bool text_sent = false;
  std::int64_t start_us = 0;
  std::int64_t retry_us = 0;
};

class Source {
 public:
  explicit Source(Options options)
      : options_(std::move(options)),
        ledger_(options_.ledger, options_.ledger_sync),
        stamp_(options_.stamp),
        sessions_(options_.sessions) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    filler_ = filler(options_.size > 200 ? options_.size - 200 : 2) + ".\r\n";
  }

  int run() {
    start_us_ = now_us();
    std::vector<epoll_event> events(256);
    for (std::size_t i = 0; i < sessions_.size(); ++i) connect(i);
    while (!is_finished()) {
      release_idle();
      const int count =
          epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms());
      for (int i = 0; i < count; ++i)
        on_ready(events[static_cast<std::size_t>(i)].data.u64,
                 events[static_cast<std::size_t>(i)].events);
      ledger_.flush();
      if (const auto now = now_us(); now >= next_retry_us_) reconnect(now);
    }
    for (auto& session : sessions_) {
      if (session.phase == Phase::transaction) note_lost(session);
      if (session.fd >= 0) ::close(session.fd);
    }
    return report();
  }

 private:
  bool wants_more() const {
    return stop_requested == 0 && (options_.messages == 0 || begun_ < options_.messages) &&
           (options_.seconds <= 0 ||
            now_us() - start_us_ < static_cast<std::int64_t>(options_.seconds * 1e6));
  }

  // Nothing more to begin and nothing in flight; five seconds are the most an answer is waited for
  // after a stop.
  bool is_finished() {
    if (wants_more()) return false;
    if (stopped_us_ == 0) stopped_us_ = now_us();
    const bool patience_over =
        (stop_requested != 0 || options_.seconds > 0) && now_us() - stopped_us_ > 5'000'000;
    return patience_over || std::ranges::none_of(sessions_, [](const Session& s) {
             return s.phase == Phase::transaction;
           });
  }

  int timeout_ms() const {
    if (!idle_.empty() && options_.rate > 0 && wants_more()) return 1;
    return next_retry_us_ == no_retry ? 50 : 5;
  }

  void connect(std::size_t index) {
    auto& session = sessions_[index];
    session = Session{};
    session.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(session.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    session.phase = Phase::connecting;
    epoll_event event{};
    event.events = EPOLLOUT;
    event.data.u64 = index;
    const int result = ::connect(session.fd, reinterpret_cast<const sockaddr*>(&options_.target),
                                 sizeof options_.target);
    epoll_ctl(epoll_, EPOLL_CTL_ADD, session.fd, &event);
    if (result != 0 && errno != EINPROGRESS) on_lost(index);
    ++connections_;
  }

  void arm(std::size_t index, bool write) {
    auto& session = sessions_[index];
    if (session.write_armed == write && session.phase != Phase::connecting) return;
    session.write_armed = write;
    epoll_event event{};
    event.events = EPOLLIN | (write ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
    event.data.u64 = index;
    epoll_ctl(epoll_, EPOLL_CTL_MOD, session.fd, &event);
  }

  void on_lost(std::size_t index) {
    auto& session = sessions_[index];
    const bool expected = session.phase == Phase::quit;
    if (session.phase == Phase::transaction) note_lost(session);
    if (!expected) ++lost_connections_;
    if (!expected && !options_.persist) fail("connection lost or refused; --persist goes on");
    ::close(session.fd);
    std::erase(idle_, index);
    session = Session{};
    if (expected && wants_more()) return connect(index);
    session.retry_us = now_us() + 20'000;
    next_retry_us_ = std::min(next_retry_us_, session.retry_us);
  }

  void reconnect(std::int64_t now) {
    next_retry_us_ = no_retry;
    for (std::size_t i = 0; i < sessions_.size(); ++i) {
      if (sessions_[i].phase != Phase::closed || !wants_more()) continue;
      if (sessions_[i].retry_us <= now)
        connect(i);
      else
        next_retry_us_ = std::min(next_retry_us_, sessions_[i].retry_us);
    }
  }

  void on_ready(std::size_t index, std::uint32_t events) {
    auto& session = sessions_[index];
    if (session.fd < 0) return;
    if (session.phase == Phase::connecting) {
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(session.fd, SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) return on_lost(index);
      arm(index, false);
      session.phase = Phase::banner;
      return;
    }
    if ((events & EPOLLOUT) != 0 && !write_out(index)) return;
    if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) read_replies(index);
  }

  void read_replies(std::size_t index) {
    auto& session = sessions_[index];
    char buffer[16384];
    const auto got = ::read(session.fd, buffer, sizeof buffer);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return on_lost(index);
    session.in.append(buffer, static_cast<std::size_t>(got));
    const int fd = session.fd;
    for (auto end = session.in.find('\n'); end != std::string::npos; end = session.in.find('\n')) {
      const int code = end >= 3 ? std::atoi(session.in.substr(0, 3).c_str()) : 0;
      const bool last = end < 4 || session.in[3] != '-';
      session.in.erase(0, end + 1);
      if (last) on_reply(index, code);
      if (session.fd != fd || session.phase == Phase::closed) return;
    }
    write_out(index);
  }

  void on_reply(std::size_t index, int code) {
    auto& session = sessions_[index];
    if (code == 421 && session.phase != Phase::quit) {  // also unasked, in an idle session
      if (session.phase == Phase::transaction && session.refusal == 0) session.refusal = code;
      return on_lost(index);
    }
    switch (session.phase) {
      case Phase::banner:
        session.phase = Phase::ehlo;
        session.out += "EHLO source.weir.test\r\n";
        return;
      case Phase::ehlo:
      case Phase::reset:
        return become_idle(index);
      case Phase::transaction:
        return on_transaction_reply(index, code);
      case Phase::quit:
        return on_lost(index);
      case Phase::closed:
      case Phase::connecting:
      case Phase::idle:
        fail("a reply nobody asked for");
    }
  }

  void become_idle(std::size_t index) {
    auto& session = sessions_[index];
    if (options_.per_connection != 0 && session.sent_here >= options_.per_connection) {
      session.phase = Phase::quit;
      session.out += "QUIT\r\n";
      return;
    }
    session.phase = Phase::idle;
    if (options_.rate <= 0 && wants_more())
      begin(index);
    else
      idle_.push_back(index);
  }

  // With a rate, messages begin when they are due, on whichever session has waited longest.
  void release_idle() {
    if (options_.rate <= 0) return;
    const auto due =
        static_cast<std::uint64_t>(static_cast<double>(now_us() - start_us_) * options_.rate / 1e6);
    while (!idle_.empty() && begun_ < due && wants_more()) {
      const auto index = idle_.front();
      idle_.pop_front();
      begin(index);
      write_out(index);
    }
  }

  void begin(std::size_t index) {
    auto& session = sessions_[index];
    char digits[24];
    std::snprintf(digits, sizeof digits, "-%010lu", ++begun_);
    session.token = options_.prefix + digits;
    session.phase = Phase::transaction;
    session.replies = 0;
    session.refusal = 0;
    session.text_sent = false;
    session.start_us = now_us();
    session.out += "MAIL FROM:<source@" + options_.domain + ">\r\n";
    if (!options_.pipeline) return;
    for (std::uint64_t i = 0; i < options_.recipients; ++i) session.out += recipient(session, i);
    session.out += "DATA\r\n";
  }

  std::string recipient(const Session& session, std::uint64_t number) const {
    return "RCPT TO:<" + session.token + (number == 0 ? "" : "." + std::to_string(number)) + '@' +
           options_.domain + ">\r\n";
  }

  void on_transaction_reply(std::size_t index, int code) {
    auto& session = sessions_[index];
    const auto step = session.replies++;
    const auto data_step = options_.recipients + 1;
    if (step > data_step) return on_final_reply(index, code);
    if (code >= 400 && session.refusal == 0) session.refusal = code;
    if (step == data_step) {
      if (code != 354) return note_refused(index);
      session.out += header(session.token, options_.domain);
      session.out += filler_;
      session.text_sent = true;
      return;
    }
    if (options_.pipeline) return;
    if (code >= 400) return note_refused(index);
    session.out += step < options_.recipients ? recipient(session, step) : "DATA\r\n";
  }

  void on_final_reply(std::size_t index, int code) {
    auto& session = sessions_[index];
    record(session, std::to_string(code));
    if (code == 250) {
      ++acked_;
      last_ack_us_ = now_us();
      latencies_us_.push_back(static_cast<std::uint32_t>(last_ack_us_ - session.start_us));
    } else {
      ++refused_;
    }
    ++session.sent_here;
    become_idle(index);
  }

  void note_refused(std::size_t index) {
    auto& session = sessions_[index];
    ++refused_;
    record(session, std::to_string(session.refusal));
    session.phase = Phase::reset;
    session.out += "RSET\r\n";
  }

  void note_lost(Session& session) {
    if (!session.text_sent) return;  // the server cannot have taken it
    ++unknown_;
    record(session, session.refusal == 0 ? "-" : std::to_string(session.refusal));
  }

  void record(const Session& session, const std::string& code) {
    if (!ledger_.is_open()) return;
    ledger_.append(session.token + ' ' + code + ' ' + std::to_string(session.start_us) + ' ' +
                   std::to_string(now_us()) + ' ' + std::to_string(stamp_.read()) + '\n');
  }

  bool write_out(std::size_t index) {
    auto& session = sessions_[index];
    while (session.out_at < session.out.size()) {
      const auto written = ::send(session.fd, session.out.data() + session.out_at,
                                  session.out.size() - session.out_at, MSG_NOSIGNAL);
      if (written < 0 && errno == EAGAIN) {
        arm(index, true);
        return true;
      }
      if (written < 0) {
        on_lost(index);
        return false;
      }
      session.out_at += static_cast<std::size_t>(written);
    }
    session.out.clear();
    session.out_at = 0;
    arm(index, false);
    return true;
  }

  int report() {
    ledger_.flush();
    const double seconds =
        static_cast<double>((last_ack_us_ == 0 ? now_us() : last_ack_us_) - start_us_) / 1e6;
    std::ranges::sort(latencies_us_);
    const auto at = [this](double share) {
      return latencies_us_.empty() ? 0.0
                                   : latencies_us_[static_cast<std::size_t>(
                                         share * static_cast<double>(latencies_us_.size() - 1))] /
                                         1000.0;
    };
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const double cpu = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                       static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    std::printf(
        "start_us=%ld\nlast_ack_us=%ld\nacked=%lu\nrefused=%lu\nunknown=%lu\nconnections=%lu\nlost_"
        "connections=%lu\n",
        start_us_, last_ack_us_, acked_, refused_, unknown_, connections_, lost_connections_);
    std::printf(
        "seconds=%.3f\nacked_per_second=%.0f\nack_p50_ms=%.2f\nack_p99_ms=%.2f\ncpu_seconds=%.2f\n",
        seconds, seconds > 0 ? static_cast<double>(acked_) / seconds : 0.0, at(0.5), at(0.99), cpu);
    return 0;
  }

  static constexpr std::int64_t no_retry = INT64_MAX;

  Options options_;
  Ledger ledger_;
  Stamp stamp_;
  std::vector<Session> sessions_;
  std::string filler_;
  int epoll_ = -1;
  std::deque<std::size_t> idle_;  // sessions that could begin; used only with a rate
  std::uint64_t begun_ = 0, acked_ = 0, refused_ = 0, unknown_ = 0, connections_ = 0,
                lost_connections_ = 0;
  std::int64_t start_us_ = 0, last_ack_us_ = 0, stopped_us_ = 0, next_retry_us_ = no_retry;
  std::vector<std::uint32_t> latencies_us_;
};

Options parse(int argc, char** argv) {
  Options options;
  Arguments arguments(argc, argv);
  for (auto name = arguments.next_name(); !name.empty(); name = arguments.next_name()) {
    if (name == "--target")
      options.target = address(arguments.value());
    else if (name == "--domain")
      options.domain = arguments.value();
    else if (name == "--prefix")
      options.prefix = arguments.value();
    else if (name == "--ledger")
      options.ledger = arguments.value();
    else if (name == "--ledger-sync")
      options.ledger_sync = true;
    else if (name == "--stamp")
      options.stamp = arguments.value();
    else if (name == "--sessions")
      options.sessions = number<std::size_t>(arguments.value());
    else if (name == "--size")
      options.size = number<std::size_t>(arguments.value());
    else if (name == "--messages")
      options.messages = number<std::uint64_t>(arguments.value());
    else if (name == "--per-connection")
      options.per_connection = number<std::uint64_t>(arguments.value());
    else if (name == "--recipients")
      options.recipients = number<std::uint64_t>(arguments.value());
    else if (name == "--rate")
      options.rate = std::stod(arguments.value());
    else if (name == "--seconds")
      options.seconds = std::stod(arguments.value());
    else if (name == "--pipeline")
      options.pipeline = true;
    else if (name == "--persist")
      options.persist = true;
    else
      fail("unknown argument", name);
  }
  if (options.target.sin_port == 0 || options.recipients == 0 ||
      (options.messages == 0 && options.seconds <= 0 && !options.persist))
    fail(
        "usage: weir_source --target ADDRESS:PORT (--messages N | --seconds S) [--sessions N] "
        "[--size BYTES] [--rate N] [--per-connection N]"
        " [--recipients N] [--domain D] [--prefix P] [--pipeline] [--persist] [--ledger FILE "
        "[--ledger-sync] [--stamp FILE:OFFSET]]");
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGTERM, [](int) { stop_requested = 1; });
  std::signal(SIGINT, [](int) { stop_requested = 1; });
  return Source(parse(argc, argv)).run();
}
