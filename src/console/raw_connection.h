// A blocking socket that sends any bytes and reads to the end, for tests of servers.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace mailweir::console {

class RawConnection {
 public:
  static RawConnection to_port(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return RawConnection(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  static RawConnection to_socket(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return RawConnection(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  ~RawConnection() {
    if (fd_ >= 0) ::close(fd_);
  }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  bool is_connected() const { return fd_ >= 0; }
  // False once the peer no longer takes bytes.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void finish_sending() { ::shutdown(fd_, SHUT_WR); }
  // Until `end` has been received, or the peer has closed.
  std::string read_until(std::string_view end) {
    while (received_.find(end) == std::string::npos && read_more()) {
    }
    return received_;
  }
  std::string read_all() {
    while (read_more()) {
    }
    return received_;
  }

 private:
  RawConnection(int family, const sockaddr* address, socklen_t size)
      : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (::connect(fd_, address, size) == 0) return;
    ::close(fd_);
    fd_ = -1;
  }
  bool read_more() {
    char buffer[16384];
    const ssize_t size = ::recv(fd_, buffer, sizeof buffer, 0);
    if (size <= 0) return false;
    received_.append(buffer, static_cast<std::size_t>(size));
    return true;
  }

  int fd_;
  std::string received_;
};

}  // namespace mailweir::console
