#include "intake/connection.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <new>
#include <utility>

#include "base/assert.h"

namespace mailweir::intake {
namespace {

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

int descriptor_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

// OpenSSL's own socket BIO writes with write(), which raises SIGPIPE when the client is gone.
int bio_write(BIO* bio, const char* octets, int count) {
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(descriptor_of(bio), octets, static_cast<std::size_t>(count),
                           MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && would_block(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* octets, int count) {
  BIO_clear_retry_flags(bio);
  const auto got =
      ::recv(descriptor_of(bio), octets, static_cast<std::size_t>(count), MSG_DONTWAIT);
  if (got < 0 && would_block(errno)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

long bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* bio_method() {
  static const BIO_METHOD* method = [] {
    BIO_METHOD* made =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without signals");
    WEIR_ASSERT(made != nullptr);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

}  // namespace

void Connection::SslFree::operator()(SSL* ssl) const {
  SSL_free(ssl);
}

Connection::Connection(runtime::TcpSocket socket) : socket_(std::move(socket)) {}

Connection::Transfer Connection::receive(std::span<char> buffer) {
  if (ssl_) {
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &count);
    return {result == 1 ? Progress::done : progress_of(result), count};
  }
  const auto count = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  was_filled_ = count == static_cast<ssize_t>(buffer.size());
  if (count > 0) return {Progress::done, static_cast<std::size_t>(count)};
  return {count < 0 && would_block(errno) ? Progress::wants_read : Progress::closed, 0};
}

Connection::Transfer Connection::send(std::string_view octets, bool is_last) {
  if (ssl_) {
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_write_ex(ssl_.get(), octets.data(), octets.size(), &count);
    return {result == 1 ? Progress::done : progress_of(result), count};
  }
  const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (is_last ? MSG_MORE : 0);
  const auto count = ::send(socket_.native_handle(), octets.data(), octets.size(), flags);
  if (count >= 0) return {Progress::done, static_cast<std::size_t>(count)};
  return {would_block(errno) ? Progress::wants_write : Progress::closed, 0};
}

void Connection::start_tls(std::shared_ptr<SSL_CTX> context) {
  WEIR_ASSERT(!ssl_);
  context_ = std::move(context);
  next_.reset();
  ssl_.reset(SSL_new(context_.get()));
  BIO* bio = BIO_new(bio_method());
  if (!ssl_ || bio == nullptr) throw std::bad_alloc();
  // The pointer of our BIO is its descriptor.
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket_.native_handle())));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_accept_state(ssl_.get());
}

Progress Connection::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? Progress::done : progress_of(result);
}

std::string Connection::handshake_error() {
  const auto code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "connection closed";
}

// Whatever is neither progress nor waiting ends the connection; a close_notify too: nothing in
// clear may follow it.
Progress Connection::progress_of(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Progress::wants_read;
    case SSL_ERROR_WANT_WRITE:
      return Progress::wants_write;
    default:
      return Progress::closed;
  }
}

std::string Connection::tls_description() const {
  return std::string(SSL_get_version(ssl_.get())) + " " + SSL_get_cipher_name(ssl_.get());
}

bool Connection::has_unread_input() {
  boost::system::error_code ec;
  return socket_.available(ec) > 0;
}

runtime::Task<std::string_view> Connection::receive_next() {
  WEIR_ASSERT(!ssl_);
  if (!next_) next_ = std::make_unique_for_overwrite<char[]>(next_max);
  const auto [error, count] = co_await socket_.async_read_some(
      boost::asio::buffer(next_.get(), next_max), runtime::use_task);
  was_filled_ = count == next_max;
  co_return std::string_view(next_.get(), error ? 0 : count);
}

runtime::Task<void> Connection::wait(Progress progress) {
  const auto kind = progress == Progress::wants_write ? runtime::TcpSocket::wait_write
                                                      : runtime::TcpSocket::wait_read;
  // An error here is seen again by the operation that is tried next.
  co_await socket_.async_wait(kind, runtime::use_task);
}

void Connection::cancel() {
  boost::system::error_code ec;
  socket_.cancel(ec);
}

void Connection::close() {
  boost::system::error_code ec;
  socket_.close(ec);
}

void Connection::reset() {
  boost::system::error_code ec;
  socket_.set_option(runtime::TcpSocket::linger(true, 0), ec);
  socket_.close(ec);
}

void Connection::shut_down_sending() {
  // The close_notify tells the client that the end is ours and not an attacker's.
  if (ssl_ && SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
  ERR_clear_error();
  boost::system::error_code ec;
  socket_.shutdown(runtime::TcpSocket::shutdown_send, ec);
}

}  // namespace mailweir::intake
