// A Connection is one TCP connection to a mail server, in clear or under TLS: it reads replies and
// writes commands and content.
//
// Reading goes on all the time once started; whatever happens is said by waking the session, which
// then looks. Lives on one IoThread. Shared with its own pending operations, which is why it is
// made as a shared_ptr; after close() it touches nothing.
#pragma once

#include <sys/uio.h>

#include <array>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "delivery/tls_client.h"
#include "mail/dot_stuffing.h"
#include "mail/reply_parser.h"
#include "runtime/task.h"
#include "runtime/wakeup.h"

namespace mailweir::delivery {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using ErrorCode = boost::system::error_code;
  enum class Flush : std::uint8_t { done, blocked, failed };

  Connection(const runtime::Executor& executor, runtime::Wakeup& wakeup);

  // Binds to `from` (any port) when given; source trouble shows as `is_source_unusable()`.
  runtime::Task<ErrorCode> connect(boost::asio::ip::tcp::endpoint to,
                                   std::optional<boost::asio::ip::address> from);
  bool is_source_unusable() const { return is_source_unusable_; }
  // Makes a connect() under way fail.
  void abort_connect();

  void start_reading();
  ReplyParser& replies() { return replies_; }
  // The peer will send nothing more; `read_error()` says how it ended (`eof` for an orderly close).
  bool is_read_over() const { return is_read_over_; }
  const ErrorCode& read_error() const { return read_error_; }

  // Takes the place of what was written before, which must be done. Views stay valid until flush()
  // is done or the connection closed.
  void write(std::optional<std::string_view> content, std::string_view commands);
  // Hands over what the kernel takes. When blocked, the session is woken once there is room. A
  // failure says nothing about replies that are already on their way: read on.
  Flush flush();
  // Bytes handed to the kernel so far: whether a slow write moves.
  std::uint64_t bytes_sent() const { return bytes_sent_; }

  // From now on everything read and written is TLS.
  void start_tls(std::unique_ptr<TlsStream> stream);
  TlsStream::Progress handshake();
  TlsStream* tls() { return tls_.get(); }

  // Idempotent. Nobody is woken afterwards.
  void close();

 private:
  void on_read(const ErrorCode& error, std::size_t length);
  void end_reading(const ErrorCode& error);
  void read_records(std::string_view records);
  bool encrypt_some();
  Flush send(iovec* pieces, std::size_t count, std::size_t& sent);
  void advance(std::size_t bytes);
  Flush flush_clear();
  Flush flush_tls();
  Flush wait_for_room();

  static constexpr std::size_t pieces_max = DataSpans::spans_max + 1;

  runtime::TcpSocket socket_;
  runtime::Wakeup* wakeup_;  // null once closed
  std::array<char, 4096> input_;
  ReplyParser replies_;
  ErrorCode read_error_;
  std::optional<DataSpans> data_;
  std::array<iovec, pieces_max> pieces_{};
  std::size_t piece_first_ = 0;
  std::size_t piece_count_ = 0;
  std::uint64_t bytes_sent_ = 0;
  std::unique_ptr<TlsStream> tls_;
  std::string plaintext_;  // scratch: a record's worth
  std::string records_;    // encrypted, not yet sent
  std::size_t records_sent_ = 0;
  bool is_tls_up_ = false;
  bool is_waiting_for_room_ = false;
  bool is_read_over_ = false;
  bool is_source_unusable_ = false;
};

}  // namespace mailweir::delivery
