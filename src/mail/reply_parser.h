// ReplyParser cuts replies out of the bytes a server sends (RFC 5321 section 4.2.1), however they
// are split over reads.
//
// Pure, bounded: at most `lines_max` lines and `bytes_max` bytes a reply, so a hostile banner
// cannot grow our memory. Not thread-safe. Tolerates LF for CRLF, a tab for the space and a missing
// text; refuses codes outside 200..599, a continuation with another code, NUL, and over-long
// replies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mail/reply.h"

namespace mailweir {

class ReplyParser {
 public:
  static constexpr std::size_t lines_max = 100;
  static constexpr std::size_t bytes_max = 16 * 1024;

  // Takes bytes as they arrive. Drain with next() before the next read: only a reply is bounded,
  // not what is fed.
  void feed(std::string_view bytes);
  // The next whole reply, nothing when more bytes are needed, or `corrupt` when the peer does not
  // speak SMTP: then the session must end; the parser stays failed.
  Result<std::optional<Reply>> next();
  // Bytes behind the last whole reply (response injection check before a TLS handshake).
  bool has_unread_bytes() const;
  void reset();

 private:
  std::string_view line_view(std::size_t end) const;
  std::unexpected<Error> refuse(std::string_view why, std::string_view line);
  Reply take(std::size_t end);

  // read_ <= line_ <= searched_ <= buffer_.size(): each byte is looked at once, however small the
  // reads are.
  std::string buffer_;
  std::size_t read_ = 0;      // begin of the reply being read
  std::size_t line_ = 0;      // begin of its current line
  std::size_t searched_ = 0;  // no line end before this, from line_ on
  std::size_t lines_ = 0;     // whole lines of it so far
  std::uint16_t code_ = 0;
  bool failed_ = false;
};

}  // namespace mailweir
