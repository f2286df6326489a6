#include "mail/reply_parser.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "mail/utf8.h"

namespace mailweir {
namespace {

constexpr std::size_t excerpt_max = 80;

std::unexpected<Error> not_smtp(std::string_view why, std::string_view line) {
  std::string context = "the peer does not speak SMTP: ";
  context.append(why);
  context.append(": \"");
  append_escaped(context, line.substr(0, excerpt_max));
  context.append(line.size() > excerpt_max ? "…\"" : "\"");
  return fail(Errc::corrupt, std::move(context));
}

std::string_view without_line_end(std::string_view line) {
  line.remove_suffix(1);  // LF
  while (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The code in front of a line, 0 when the line is not "ddd", "ddd text" or "ddd-text" with ddd in
// 200..599.
std::uint16_t code_of(std::string_view line) {
  if (line.size() < 3 || !is_digit(line[0]) || !is_digit(line[1]) || !is_digit(line[2])) return 0;
  if (line.size() > 3 && line[3] != ' ' && line[3] != '-' && line[3] != '\t') return 0;
  const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  return code >= 200 && code <= 599 ? static_cast<std::uint16_t>(code) : std::uint16_t{0};
}

bool continues(std::string_view line) {
  return line.size() > 3 && line[3] == '-';
}

std::string_view text_of(std::string_view line) {
  return line.size() > 4 ? line.substr(4) : std::string_view{};
}

}  // namespace

void ReplyParser::feed(std::string_view bytes) {
  if (failed_) return;
  if (read_ > 0) {  // never more than the incomplete tail of a reply is left here by a caller that
                    // drains first
    buffer_.erase(0, read_);
    line_ -= read_;
    searched_ -= read_;
    read_ = 0;
  }
  buffer_.append(bytes);
}

Result<std::optional<Reply>> ReplyParser::next() {
  if (failed_) return fail(Errc::corrupt, "the peer does not speak SMTP");
  while (true) {
    const std::string_view unread = buffer_;
    const std::size_t newline = unread.find('\n', searched_);
    const std::size_t end = newline == std::string_view::npos ? unread.size() : newline + 1;
    searched_ = end;
    if (end - read_ > bytes_max) return refuse("the reply is too long", line_view(end));
    if (newline == std::string_view::npos) return std::nullopt;

    const std::string_view line = without_line_end(unread.substr(line_, end - line_));
    if (line.find('\0') != std::string_view::npos) return refuse("NUL in a reply", line);
    const std::uint16_t code = code_of(line);
    if (code == 0) return refuse("not a reply line", line);
    if (lines_ == 0) code_ = code;
    if (code != code_) return refuse("the code changes within a reply", line);
    if (++lines_ > lines_max) return refuse("too many lines in a reply", line);
    line_ = end;
    if (!continues(line)) return take(end);
  }
}

std::string_view ReplyParser::line_view(std::size_t end) const {
  return std::string_view(buffer_).substr(line_, end - line_);
}

std::unexpected<Error> ReplyParser::refuse(std::string_view why, std::string_view line) {
  auto error = not_smtp(why, line);
  failed_ = true;
  buffer_.clear();
  read_ = line_ = searched_ = 0;
  return error;
}

Reply ReplyParser::take(std::size_t end) {
  Reply reply;
  reply.code = code_;
  if (lines_ > 1) reply.text.reserve(end - read_);
  std::size_t begin = read_;
  while (begin < end) {
    const std::size_t next_line = buffer_.find('\n', begin) + 1;
    WEIR_ASSERT(next_line > begin && next_line <= end);
    const std::string_view line = std::string_view(buffer_).substr(begin, next_line - begin);
    if (begin != read_) reply.text.push_back('\n');
    reply.text.append(text_of(without_line_end(line)));
    begin = next_line;
  }
  reply.enhanced = parse_enhanced_status(reply.text);
  read_ = line_ = searched_ = end;
  lines_ = 0;
  if (read_ == buffer_.size()) {
    buffer_.clear();
    read_ = line_ = searched_ = 0;
  }
  return reply;
}

bool ReplyParser::has_unread_bytes() const {
  return read_ < buffer_.size();
}

void ReplyParser::reset() {
  buffer_.clear();
  read_ = line_ = searched_ = lines_ = 0;
  code_ = 0;
  failed_ = false;
}

}  // namespace mailweir
