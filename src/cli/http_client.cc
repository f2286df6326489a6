#include "cli/http_client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <system_error>

namespace mailweir::cli {
namespace {

constexpr time_t patience_s = 60;

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Result<void> connect(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
      return fail(Errc::closed, "the path is too long for a Unix socket");
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const timeval patience{.tv_sec = patience_s, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return {};
    return fail(Errc::closed, std::generic_category().message(errno));
  }

  // Stops early when the server no longer listens: its answer may then be waiting (413).
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  Result<std::string> receive_all() const {
    std::string bytes;
    char buffer[65536];
    for (;;) {
      const ssize_t size = ::recv(fd_, buffer, sizeof buffer, 0);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return fail(Errc::timeout, fmt::format("no answer within {} seconds", patience_s));
      }
      if (size <= 0) return bytes;
      bytes.append(buffer, static_cast<std::size_t>(size));
    }
  }

 private:
  int fd_;
};

template <class Number>
std::optional<Number> to_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Our own server writes the name in this very case.
std::optional<std::size_t> content_length(std::string_view head) {
  constexpr std::string_view name = "\r\nContent-Length: ";
  const std::size_t at = head.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = head.substr(at + name.size());
  return to_number<std::size_t>(rest.substr(0, rest.find('\r')));
}

}  // namespace

Result<HttpAnswer> parse_answer(std::string bytes) {
  const auto corrupt = [] {
    return fail(Errc::corrupt, "the answer is not a whole HTTP response");
  };
  const std::size_t head_size = bytes.find("\r\n\r\n");
  if (head_size == std::string::npos) return corrupt();
  const std::string_view head = std::string_view(bytes).substr(0, head_size + 2);
  if (!head.starts_with("HTTP/1.1 ") || head.size() < 12) return corrupt();
  const auto status = to_number<unsigned>(head.substr(9, 3));
  const auto length = content_length(head);
  if (!status || !length || bytes.size() - head_size - 4 != *length) return corrupt();
  bytes.erase(0, head_size + 4);
  return HttpAnswer{*status, std::move(bytes)};
}

Result<HttpAnswer> call_server(const std::string& socket, const HttpCall& call) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(Errc::closed, std::generic_category().message(errno));
  Connection connection(fd);
  WEIR_CHECK(connection.connect(socket));
  std::string request = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
                                    call.method, call.target);
  if (!call.content_type.empty()) request += fmt::format("Content-Type: {}\r\n", call.content_type);
  request += fmt::format("Content-Length: {}\r\n\r\n", call.body.size());
  connection.send(request);
  connection.send(call.body);
  WEIR_TRY(std::string bytes, connection.receive_all());
  return parse_answer(std::move(bytes));
}

}  // namespace mailweir::cli
