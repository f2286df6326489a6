#include "world/wording.h"

#include <fmt/format.h>

#include <charconv>

#include "world/slot_table.h"

namespace mailweir::world {
using mailweir::to_string;

namespace {

std::string fill(std::string_view place, const WordingFacts& facts) {
  if (place == "ip") return to_string(facts.source);
  if (place == "network")
    return fmt::format("{}/{}", to_string(network_of(facts.source)),
                       facts.source.is_ipv4() ? 24 : 64);
  if (place == "domain") return std::string(facts.domain);
  if (place == "dkim") return std::string(facts.dkim);
  if (place == "mailbox") return std::string(facts.mailbox);
  return fmt::format("{{{}}}", place);  // a text that merely has braces
}

}  // namespace

Result<Wording> parse_wording(std::string_view text) {
  Wording wording;
  const auto [end, errc] = std::from_chars(text.data(), text.data() + text.size(), wording.code);
  const auto digits = static_cast<std::size_t>(end - text.data());
  if (errc != std::errc{} || digits != 3 || wording.code < 400 || wording.code > 599 ||
      text.size() < 5 || text[3] != ' ') {
    return fail(Errc::invalid_argument,
                fmt::format("\"{}\" is not a refusal; write a code from 400 to 599 and a text, "
                            "such as \"451 4.7.500 Server busy\"",
                            text));
  }
  wording.text.clear();
  for (std::string_view rest = text.substr(4); !rest.empty();) {
    const std::size_t at = rest.find("\\n");
    wording.text += rest.substr(0, at);
    if (at == std::string_view::npos) break;
    wording.text += '\n';
    rest.remove_prefix(at + 2);
  }
  for (const char c : wording.text) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n')
      return fail(Errc::invalid_argument,
                  "a refusal's text has a control character; write a line's end as \\n");
  }
  return wording;
}

std::string to_string(const Wording& wording) {
  std::string text = fmt::format("{} ", wording.code);
  for (const char c : wording.text) {
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return text;
}

Reply render(const Wording& wording, const WordingFacts& facts) {
  Reply reply{.code = wording.code, .enhanced = parse_enhanced_status(wording.text), .text = {}};
  std::string_view rest = wording.text;
  while (!rest.empty()) {
    const std::size_t open = rest.find('{');
    const std::size_t close = open == std::string_view::npos ? open : rest.find('}', open);
    reply.text += rest.substr(0, close == std::string_view::npos ? close : open);
    if (close == std::string_view::npos) break;
    reply.text += fill(rest.substr(open + 1, close - open - 1), facts);
    rest.remove_prefix(close + 1);
  }
  return reply;
}

}  // namespace mailweir::world
