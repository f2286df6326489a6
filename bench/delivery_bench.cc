// What it costs to deliver a message over open sessions: one IoThread against a receiver in a
// thread of its own, over loopback.
//
//   delivery_bench [messages] [bytes] [sessions] [ahead]
//
// `ahead` orders are kept waiting in each session, as the engine does. The last line is the
// headline: the delivering thread's CPU time for each message, system calls included.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <future>
#include <thread>

#include "delivery/delivery.h"
#include "runtime/map_resolver.h"

namespace mailweir {
namespace {

// Accepts everything and keeps nothing.
class Receiver {
 public:
  Receiver() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), length);
    ::listen(listener_, 1024);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] { accept(); });
  }
  ~Receiver() {
    ::shutdown(listener_, SHUT_RDWR);
    accepting_.join();
    for (std::thread& thread : threads_) thread.join();
    ::close(listener_);
  }
  std::uint16_t port() const { return port_; }

 private:
  void accept() {
    while (true) {
      const int descriptor = ::accept(listener_, nullptr, nullptr);
      if (descriptor < 0) return;
      threads_.emplace_back([descriptor] { serve(descriptor); });
    }
  }

  static void serve(int descriptor) {
    const int yes = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    std::string replies = "220 receiver\r\n";
    std::string unread;
    std::array<char, 65536> bytes;
    bool is_content = false;
    while (true) {
      if (!replies.empty()) ::send(descriptor, replies.data(), replies.size(), MSG_NOSIGNAL);
      replies.clear();
      const ssize_t length = ::recv(descriptor, bytes.data(), bytes.size(), 0);
      if (length <= 0) break;
      unread.append(bytes.data(), static_cast<std::size_t>(length));
      read(unread, is_content, replies);
    }
    ::close(descriptor);
  }

  static void read(std::string& unread, bool& is_content, std::string& replies) {
    std::size_t at = 0;
    while (true) {
      const std::string_view rest = std::string_view(unread).substr(at);
      const std::size_t end = is_content ? rest.find("\r\n.\r\n") : rest.find("\r\n");
      if (end == rest.npos) break;
      at += end + (is_content ? 5 : 2);
      if (is_content) {
        replies.append("250 2.0.0 Ok: queued\r\n");
        is_content = false;
      } else if (rest.starts_with("DATA")) {
        replies.append("354 End data with <CR><LF>.<CR><LF>\r\n");
        is_content = true;
      } else if (rest.starts_with("EHLO")) {
        replies.append("250-receiver\r\n250-PIPELINING\r\n250-SIZE 0\r\n250 8BITMIME\r\n");
      } else {
        replies.append("250 2.1.0 Ok\r\n");
      }
    }
    unread.erase(0, at);
  }

  int listener_;
  std::uint16_t port_ = 0;
  std::vector<std::thread> threads_;
  std::thread accepting_;
};

// Orders the next transaction whenever one is done.
class Feeder final : public delivery::OutcomeReceiver {
 public:
  Feeder(std::uint64_t messages, std::shared_ptr<const delivery::QueuedMessage> message)
      : messages_(messages), message_(std::move(message)) {}

  void run(delivery::Delivery& delivery, std::uint16_t port, std::uint64_t sessions,
           std::uint64_t ahead) {
    delivery_ = &delivery;
    auto next_hop = std::make_shared<engine::NextHop>();
    next_hop->hosts.push_back({0, "127.0.0.1"});
    next_hop->port = port;
    for (std::uint64_t session = 1; session <= sessions; ++session) {
      delivery.open({.session = SessionId{session}, .source = 0, .next_hop = next_hop});
      for (std::uint64_t n = 0; n < ahead; ++n) order(SessionId{session});
    }
    finished_.get_future().wait();
  }

  void on_session_connected(engine::SessionConnected) override {}
  void on_session_opened(engine::SessionOpened) override {}
  void on_session_failed(engine::SessionFailed) override { std::abort(); }
  void on_session_closed(engine::SessionClosed) override {}
  void on_transaction_done(engine::TransactionDone done) override {
    if (done.results[0].reply.code != 250) std::abort();
    order(done.session);
    if (++done_ == messages_) finished_.set_value();
  }

 private:
  void order(SessionId session) {
    const std::uint64_t number = ++ordered_;
    if (number > messages_) return;
    delivery_->start({session, TransactionId{number}, MessageId{number}, {0}}, message_);
  }

  std::uint64_t messages_;
  std::shared_ptr<const delivery::QueuedMessage> message_;
  delivery::Delivery* delivery_ = nullptr;
  std::atomic<std::uint64_t> ordered_ = 0;
  std::atomic<std::uint64_t> done_ = 0;
  std::promise<void> finished_;
};

std::shared_ptr<const delivery::QueuedMessage> make_message(std::size_t size) {
  auto message = std::make_shared<delivery::QueuedMessage>();
  message->message.envelope.reverse_path.mailbox = Mailbox::from_parts("sender", "example.org");
  Recipient recipient;
  recipient.mailbox = Mailbox::from_parts("recipient", "example.com");
  message->message.envelope.recipients.push_back(std::move(recipient));
  std::string content = "Subject: benchmark\r\n\r\n";
  while (content.size() + 72 < size) content.append(70, 'x').append("\r\n");
  message->content = std::make_shared<const std::string>(std::move(content));
  return message;
}

double thread_cpu_us() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

int run(std::uint64_t messages, std::size_t size, std::uint64_t sessions, std::uint64_t ahead) {
  Receiver receiver;
  runtime::IoThread thread("delivery");
  runtime::MapResolver resolver(thread);
  const runtime::SystemClock clock;
  Feeder feeder(messages, make_message(size));
  delivery::DeliveryOptions options;
  options.sources.push_back({"bench", "", "", "bench.example"});
  options.allow_private_targets = true;
  delivery::Delivery delivery(options, {&thread}, resolver, clock, feeder);

  double cpu_us = 0;
  const Instant began = clock.now();
  feeder.run(delivery, receiver.port(), sessions, ahead);
  const double seconds = std::chrono::duration<double>(clock.now() - began).count();
  thread.run([&] { cpu_us = thread_cpu_us(); });
  delivery.stop(std::chrono::seconds(5));
  thread.join();

  fmt::print("messages={}\nbytes={}\nsessions={}\nahead={}\n", messages, size, sessions, ahead);
  fmt::print("messages_per_second={:.0f}\n", static_cast<double>(messages) / seconds);
  fmt::print("cpu_us_per_message={:.2f}\n", cpu_us / static_cast<double>(messages));
  return 0;
}

}  // namespace
}  // namespace mailweir

int main(int argc, char** argv) {
  const auto argument = [&](int index, std::uint64_t otherwise) {
    return argc > index ? std::strtoull(argv[index], nullptr, 10) : otherwise;
  };
  return mailweir::run(argument(1, 200'000), argument(2, 4096), argument(3, 1), argument(4, 2));
}
