#include "sink/twin_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace mailweir::sink {
namespace {

constexpr int deadline_ms = 10'000;

sockaddr_in address_of(const Endpoint& endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  address.sin_addr.s_addr = htonl(static_cast<std::uint32_t>(endpoint.address.low()));
  return address;
}

}  // namespace

TwinClient::TwinClient(const Endpoint& to, const IpAddress& source, int silence)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), silence_(silence) {
  constexpr int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto from = address_of({source, 0});
  const auto target = address_of(to);
  if (::bind(socket_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
      ::connect(socket_, reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0) {
    close();
    return;
  }
  ::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL) | O_NONBLOCK);
}

TwinClient::~TwinClient() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
  close();
}

void TwinClient::close() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

bool TwinClient::wait(bool for_writing, Heard& heard) {
  std::array<pollfd, 2> waits{
      {{socket_, static_cast<short>(for_writing ? POLLOUT : POLLIN), 0}, {silence_, POLLIN, 0}}};
  const int ready = ::poll(waits.data(), waits.size(), deadline_ms);
  if (ready <= 0) {
    heard.kind = Heard::Kind::late;
    return false;
  }
  if (waits[0].revents != 0) return true;
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(silence_, &count, sizeof count);
  heard.kind = Heard::Kind::silence;
  return false;
}

bool TwinClient::fill(Heard& heard) {
  std::array<char, 4096> buffer;
  for (;;) {
    ERR_clear_error();  // SSL_get_error() looks at the thread's queue, which another client may
                        // fill
    const auto got = ssl_ != nullptr
                         ? SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()))
                         : ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (got > 0) {
      input_.append(buffer.data(), static_cast<std::size_t>(got));
      return true;
    }
    const int error = errno;
    const bool must_wait = ssl_ != nullptr
                               ? SSL_get_error(ssl_, static_cast<int>(got)) == SSL_ERROR_WANT_READ
                               : got < 0 && error == EAGAIN;
    if (!must_wait) {
      heard.kind = got < 0 && error == ECONNRESET ? Heard::Kind::reset : Heard::Kind::close;
      return false;
    }
    if (!wait(false, heard)) return false;
  }
}

Heard TwinClient::hear() {
  Heard heard;
  for (bool is_last = false; !is_last;) {
    auto line_feed = input_.find('\n');
    while (line_feed == std::string::npos) {
      if (!fill(heard)) return heard;
      line_feed = input_.find('\n');
    }
    const auto line = input_.substr(0, line_feed - 1);
    input_.erase(0, line_feed + 1);
    heard.code = std::stoi(line.substr(0, 3));
    if (!heard.text.empty()) heard.text += '\n';
    if (line.size() > 4) heard.text += line.substr(4);
    is_last = line.size() < 4 || line[3] == ' ';
  }
  heard.kind = Heard::Kind::reply;
  return heard;
}

Heard TwinClient::say(std::string_view octets) {
  if (ssl_ != nullptr) {
    SSL_write(ssl_, octets.data(), static_cast<int>(octets.size()));
  } else {
    [[maybe_unused]] const auto sent =
        ::send(socket_, octets.data(), octets.size(), MSG_NOSIGNAL);  // hear() learns of a failure
  }
  return hear();
}

Heard TwinClient::shake_hands() {
  context_ = SSL_CTX_new(TLS_client_method());
  ssl_ = SSL_new(context_);
  SSL_set_fd(ssl_, socket_);
  Heard heard;
  for (;;) {
    errno = 0;
    ERR_clear_error();
    const int result = SSL_connect(ssl_);
    if (result == 1) {
      heard.kind = Heard::Kind::reply;
      return heard;
    }
    const int error = SSL_get_error(ssl_, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      heard.kind = errno == ECONNRESET ? Heard::Kind::reset : Heard::Kind::close;
      return heard;
    }
    if (!wait(error == SSL_ERROR_WANT_WRITE, heard)) return heard;
  }
}

}  // namespace mailweir::sink
