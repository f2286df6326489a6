#include "intake/test_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace mailweir::intake {
namespace {

sockaddr_in address_of(const char* host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, host, &address.sin_addr);
  return address;
}

}  // namespace

TestClient::TestClient(std::uint16_t port, const char* source)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  constexpr timeval deadline{.tv_sec = 10, .tv_usec = 0};
  constexpr int on = 1;
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (source != nullptr) {
    const auto from = address_of(source, 0);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&from), sizeof from), 0);
  }
  const auto to = address_of("127.0.0.1", port);
  EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
}

TestClient::~TestClient() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
  ::close(socket_);
}

void TestClient::send(std::string_view octets) {
  if (ssl_ == nullptr) return send_in_clear(octets);
  // One record for each call. A refused message may have closed the connection already; reply()
  // tells.
  if (!octets.empty()) SSL_write(ssl_, octets.data(), static_cast<int>(octets.size()));
}

void TestClient::send_in_clear(std::string_view octets) {
  while (!octets.empty()) {
    const auto sent = ::send(socket_, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    octets.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool TestClient::fill() {
  char buffer[4096];
  const auto got = ssl_ != nullptr ? SSL_read(ssl_, buffer, sizeof buffer)
                                   : ::recv(socket_, buffer, sizeof buffer, 0);
  if (got <= 0) {
    EXPECT_TRUE(ssl_ != nullptr || got == 0 || errno != EAGAIN) << "the deadline passed";
    return false;
  }
  input_.append(buffer, static_cast<std::size_t>(got));
  return true;
}

std::string TestClient::take_line() {
  while (input_.find("\r\n") == std::string::npos) {
    if (!fill()) return {};
  }
  const auto end = input_.find("\r\n") + 2;
  auto line = input_.substr(0, end);
  input_.erase(0, end);
  return line;
}

int TestClient::reply() {
  last_reply.clear();
  for (;;) {
    const auto line = take_line();
    last_reply += line;
    if (line.size() < 4) return 0;
    if (line[3] == ' ') return std::stoi(line.substr(0, 3));
  }
}

void TestClient::greet() {
  ASSERT_EQ(reply(), 220);
  ASSERT_EQ(say("EHLO client.example\r\n"), 250);
}

void TestClient::open_content() {
  send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
  ASSERT_EQ(reply(), 250) << last_reply;
  ASSERT_EQ(reply(), 250) << last_reply;
  ASSERT_EQ(reply(), 354) << last_reply;
}

bool TestClient::start_tls() {
  if (say("STARTTLS\r\n") != 220) return false;
  context_ = SSL_CTX_new(TLS_client_method());
  ssl_ = SSL_new(context_);
  SSL_set_fd(ssl_, socket_);
  return SSL_connect(ssl_) == 1;
}

void TestClient::send_close_notify() {
  SSL_shutdown(ssl_);
}

bool TestClient::has_input_now() {
  char octet = 0;
  return !input_.empty() || ::recv(socket_, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool TestClient::is_closed() {
  while (fill()) {
  }
  return !testing::Test::HasFailure();
}

}  // namespace mailweir::intake
