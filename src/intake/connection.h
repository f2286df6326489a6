// A Connection moves octets between us and one client, in clear or inside TLS, without ever
// blocking.
//
// Every operation is tried at once and says what to wait for when it cannot go on; the buffers are
// the caller's, so an idle connection holds none. Lives on one IoThread. TLS is done by OpenSSL on
// the socket itself: asio's ssl::stream would keep 68 KiB of buffers for each session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "runtime/task.h"

extern "C" {
typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_st SSL;
}

namespace mailweir::intake {

enum class Progress : std::uint8_t { done, wants_read, wants_write, closed };

class Connection {
 public:
  struct Transfer {
    Progress progress = Progress::closed;
    std::size_t octets = 0;
  };

  explicit Connection(runtime::TcpSocket socket);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Transfer receive(std::span<char> buffer);
  // `is_last`: the end of the stream follows at once, and what is sent may wait to go with it.
  Transfer send(std::string_view octets, bool is_last);

  // From now on everything goes through TLS, as the server side of it; handshake() until it is
  // done.
  void start_tls(std::shared_ptr<SSL_CTX> context);
  Progress handshake();
  // Why the last handshake failed, for people.
  static std::string handshake_error();

  bool is_tls() const { return ssl_ != nullptr; }
  // "TLSv1.3 TLS_AES_256_GCM_SHA384"
  std::string tls_description() const;
  // Waits for octets in clear and takes the first of them; empty when there will be none, or when
  // cancelled. Valid until the next call. Not under TLS. Cheaper than wait() and receive(): asio
  // re-arms its reactor for every wait, but not for a read.
  runtime::Task<std::string_view> receive_next();
  // Whether receive() may find something without the socket becoming readable.
  bool may_hold_input() const { return is_tls() || was_filled_; }
  bool has_unread_input();

  // Completes when the socket is ready for `progress` (wants_read or wants_write), or when
  // cancelled or closed.
  runtime::Task<void> wait(Progress progress);
  void cancel();
  void close();
  // Closes with an RST: the client loses what it has not read yet.
  void reset();
  // Says that nothing more comes from us; reading goes on.
  void shut_down_sending();

 private:
  struct SslFree {
    void operator()(SSL* ssl) const;
  };
  Progress progress_of(int result);

  // Room for receive_next(): an envelope and a small message; made when first needed.
  static constexpr std::size_t next_max = 8192;

  runtime::TcpSocket socket_;
  std::unique_ptr<char[]> next_;
  std::shared_ptr<SSL_CTX> context_;
  std::unique_ptr<SSL, SslFree> ssl_;
  bool was_filled_ = false;  // the last receive() took all the buffer could hold
};

}  // namespace mailweir::intake
