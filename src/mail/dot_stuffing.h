// The form of message content inside DATA: dots doubled at line starts, CRLF at the end, then the
// final dot (RFC 5321 section 4.5.2).
//
// Almost no message has a line that begins with a dot: then nothing is copied.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace mailweir {

bool needs_dot_stuffing(std::string_view content);

// True when every line ends with CRLF and there is no CR, LF or NUL besides (RFC 5321
// section 2.3.8): the only content that cannot be read as two messages by some lax receiver. The
// last line may lack its CRLF.
bool has_strict_lines(std::string_view content);

// Appends the DATA form, the final ".\r\n" included.
void append_dot_stuffed(std::string& out, std::string_view content);

// The DATA form as views for a gathering write: into `content`, which must outlive it, and into
// static text. Content with very many dots is copied once instead. Stays where it was made, because
// the views may point into it.
class DataSpans {
 public:
  static constexpr std::size_t spans_max = 16;

  explicit DataSpans(std::string_view content);
  DataSpans(const DataSpans&) = delete;
  DataSpans& operator=(const DataSpans&) = delete;

  std::span<const std::string_view> spans() const { return std::span(spans_).first(count_); }
  std::size_t size() const { return size_; }  // octets on the wire

 private:
  void add(std::string_view span);

  std::array<std::string_view, spans_max> spans_;
  std::size_t count_ = 0;
  std::size_t size_ = 0;
  std::string copy_;
};

}  // namespace mailweir
