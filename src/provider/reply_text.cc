#include "provider/reply_text.h"

#include <algorithm>
#include <string>

#include "base/ascii.h"

namespace mailweir::provider {
namespace {

using ascii::is_digit;
using ascii::trimmed;

bool is_code_at(std::string_view text) {
  return text.size() >= 3 && text[0] >= '2' && text[0] <= '5' && is_digit(text[1]) &&
         is_digit(text[2]) && (text.size() == 3 || !(is_digit(text[3]) || text[3] == '.'));
}

// One line of the text, in which a log may have joined several: they are cut where `code` comes
// again with a hyphen, and with a space behind the last of those.
void append_lines(std::string& out, std::string_view line, std::string_view code) {
  const std::string going_on = " " + std::string(code) + "-";
  const std::string last = " " + std::string(code) + " ";
  line = trimmed(line);
  bool was_continued = false;
  if (line.starts_with(code) && (line.size() == 3 || line[3] == ' ' || line[3] == '-')) {
    was_continued = line.size() > 3 && line[3] == '-';
    line = line.size() > 3 ? line.substr(4) : std::string_view();
  }
  while (true) {
    std::size_t cut = line.find(going_on);
    const bool is_last = cut == std::string_view::npos && was_continued;
    if (is_last) cut = line.find(last);
    if (!out.empty()) out += '\n';
    out += trimmed(line.substr(0, cut));
    if (cut == std::string_view::npos) return;
    line.remove_prefix(cut + going_on.size());
    was_continued = !is_last;
  }
}

}  // namespace

std::optional<Reply> parse_reply_text(std::string_view text) {
  text = trimmed(text);
  if (!is_code_at(text)) return std::nullopt;
  const std::string_view code = text.substr(0, 3);
  Reply reply;
  reply.code =
      static_cast<std::uint16_t>((code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0'));
  while (true) {
    const std::size_t end = text.find('\n');
    append_lines(reply.text, text.substr(0, end), code);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  reply.enhanced = parse_enhanced_status(reply.text);
  return reply;
}

}  // namespace mailweir::provider
