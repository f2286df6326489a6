// Replies: the same bytes give the same replies however they are split, and nothing grows past its
// bound.
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "mail/reply_parser.h"

using namespace mailweir;

namespace {

struct Reading {
  std::vector<Reply> replies;
  bool refused = false;
  bool operator==(const Reading&) const = default;
};

Reading read_in_steps(std::string_view wire, std::size_t step) {
  ReplyParser parser;
  Reading reading;
  for (std::size_t at = 0; at < wire.size() && !reading.refused; at += step) {
    parser.feed(wire.substr(at, step));
    while (true) {
      auto next = parser.next();
      reading.refused = !next;
      if (!next || !*next) break;
      reading.replies.push_back(std::move(**next));
    }
  }
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = 1 + data[0] % 64U;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Reading whole = read_in_steps(wire, wire.size() + 1);
  WEIR_ASSERT(whole == read_in_steps(wire, step));
  for (const Reply& reply : whole.replies) {
    WEIR_ASSERT(reply.code >= 200 && reply.code <= 599);
    WEIR_ASSERT(reply.text.size() <= ReplyParser::bytes_max);
    for (const char c : to_display(reply))
      WEIR_ASSERT(static_cast<unsigned char>(c) >= ' ' && c != '\x7F');
  }
  return 0;
}
