#include "delivery/connection.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <utility>

#include "base/assert.h"

namespace mailweir::delivery {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

constexpr std::size_t record_max = 16 * 1024;  // RFC 8446 section 5.1
constexpr std::size_t records_ahead_max =
    64 * 1024;  // encrypted before the kernel has taken what came before

iovec piece_of(std::string_view bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

}  // namespace

Connection::Connection(const runtime::Executor& executor, runtime::Wakeup& wakeup)
    : socket_(executor), wakeup_(&wakeup) {}

runtime::Task<Connection::ErrorCode> Connection::connect(Tcp::endpoint to,
                                                         std::optional<asio::ip::address> from) {
  ErrorCode error;
  socket_.open(to.protocol(), error);
  if (error) co_return error;
  socket_.set_option(Tcp::no_delay(true), error);
  if (from) {
    // The port is chosen when connecting, so that one source port can serve many destinations.
    const int yes = 1;
    ::setsockopt(socket_.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    socket_.bind(Tcp::endpoint(*from, 0), error);
    if (error) {
      is_source_unusable_ = true;
      co_return error;
    }
  }
  const auto [connect_error] = co_await socket_.async_connect(to, runtime::use_task);
  is_source_unusable_ = connect_error == boost::system::errc::address_not_available;
  co_return connect_error;
}

void Connection::abort_connect() {
  ErrorCode ignored;
  socket_.close(ignored);
}

void Connection::start_reading() {
  socket_.async_read_some(asio::buffer(input_),
                          [self = shared_from_this()](const ErrorCode& error, std::size_t length) {
                            self->on_read(error, length);
                          });
}

void Connection::on_read(const ErrorCode& error, std::size_t length) {
  if (wakeup_ == nullptr) return;
  if (error) {
    end_reading(error);
  } else {
    const std::string_view bytes(input_.data(), length);
    if (tls_) {
      read_records(bytes);
    } else {
      replies_.feed(bytes);
    }
    if (!is_read_over_) start_reading();
  }
  wakeup_->wake();
}

void Connection::end_reading(const ErrorCode& error) {
  is_read_over_ = true;
  read_error_ = error;
}

void Connection::read_records(std::string_view records) {
  tls_->receive(records);
  if (!is_tls_up_) return;
  plaintext_.clear();
  const TlsStream::Progress progress = tls_->read(plaintext_);
  replies_.feed(plaintext_);
  if (progress == TlsStream::Progress::done) end_reading(asio::error::eof);
  if (progress == TlsStream::Progress::failed) end_reading(asio::error::connection_reset);
}

void Connection::write(std::optional<std::string_view> content, std::string_view commands) {
  WEIR_ASSERT(piece_first_ == piece_count_);
  piece_first_ = piece_count_ = 0;
  if (content) {
    data_.emplace(*content);
    for (const std::string_view span : data_->spans()) pieces_[piece_count_++] = piece_of(span);
  }
  if (!commands.empty()) pieces_[piece_count_++] = piece_of(commands);
}

Connection::Flush Connection::flush() {
  if (wakeup_ == nullptr) return Flush::failed;
  return tls_ ? flush_tls() : flush_clear();
}

Connection::Flush Connection::send(iovec* pieces, std::size_t count, std::size_t& sent) {
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = count;
  while (true) {
    const ssize_t length =
        ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (length >= 0) {
      sent = static_cast<std::size_t>(length);
      bytes_sent_ += sent;
      return Flush::done;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return wait_for_room();
    if (errno != EINTR) return Flush::failed;
  }
}

Connection::Flush Connection::wait_for_room() {
  if (!std::exchange(is_waiting_for_room_, true)) {
    socket_.async_wait(Tcp::socket::wait_write, [self = shared_from_this()](const ErrorCode&) {
      self->is_waiting_for_room_ = false;
      if (self->wakeup_ != nullptr) self->wakeup_->wake();
    });
  }
  return Flush::blocked;
}

void Connection::advance(std::size_t bytes) {
  while (bytes > 0) {
    iovec& piece = pieces_[piece_first_];
    const std::size_t taken = std::min(bytes, piece.iov_len);
    piece.iov_base = static_cast<char*>(piece.iov_base) + taken;
    piece.iov_len -= taken;
    bytes -= taken;
    if (piece.iov_len == 0) ++piece_first_;
  }
  while (piece_first_ < piece_count_ && pieces_[piece_first_].iov_len == 0) ++piece_first_;
}

Connection::Flush Connection::flush_clear() {
  while (piece_first_ < piece_count_) {
    std::size_t sent = 0;
    const Flush flush = send(&pieces_[piece_first_], piece_count_ - piece_first_, sent);
    if (flush != Flush::done) return flush;
    advance(sent);
  }
  return Flush::done;
}

// Encrypts the next pieces, small ones joined, so that a dot or an envelope does not cost a record
// of its own.
bool Connection::encrypt_some() {
  while (piece_first_ < piece_count_ && records_.size() < records_ahead_max) {
    plaintext_.clear();
    while (piece_first_ < piece_count_ && plaintext_.size() < record_max) {
      const iovec& piece = pieces_[piece_first_];
      const std::size_t length = std::min(piece.iov_len, record_max - plaintext_.size());
      plaintext_.append(static_cast<const char*>(piece.iov_base), length);
      advance(length);
    }
    if (!tls_->write(plaintext_)) return false;
    tls_->take_output(records_);
  }
  return true;
}

Connection::Flush Connection::flush_tls() {
  while (true) {
    if (records_sent_ == records_.size()) {
      records_.clear();
      records_sent_ = 0;
      tls_->take_output(records_);
      if (!encrypt_some()) return Flush::failed;
      if (records_.empty()) {
        // A large content must not leave its buffer with an idle session.
        if (records_.capacity() > 2 * record_max) records_ = {};
        return Flush::done;
      }
    }
    iovec piece = piece_of(std::string_view(records_).substr(records_sent_));
    std::size_t sent = 0;
    const Flush flush = send(&piece, 1, sent);
    if (flush != Flush::done) return flush;
    records_sent_ += sent;
  }
}

void Connection::start_tls(std::unique_ptr<TlsStream> stream) {
  tls_ = std::move(stream);
  replies_.reset();
}

TlsStream::Progress Connection::handshake() {
  const TlsStream::Progress progress = tls_->handshake();
  if (progress == TlsStream::Progress::done) {
    is_tls_up_ = true;
    read_records({});  // what came in the same read as the end of the handshake
  }
  return progress;
}

void Connection::close() {
  if (wakeup_ == nullptr) return;
  if (is_tls_up_ && !is_read_over_ && piece_first_ == piece_count_) {
    tls_->finish();
    flush_tls();
  }
  wakeup_ = nullptr;
  ErrorCode ignored;
  socket_.close(ignored);
}

}  // namespace mailweir::delivery
