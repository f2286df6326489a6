// The content of DATA, whole and cut in pieces, against the plain rule: the end is the first CR LF
// "." CR LF, and content that comes out without a fault has strict lines.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "mail/dot_stuffing.h"
#include "smtp/data_framing.h"

namespace {

using namespace mailweir;

struct Decoded {
  std::string content;
  std::size_t consumed = 0;
  bool is_complete = false;
  std::optional<smtp::DataFault> fault;
};

Decoded decode(std::string_view input, std::size_t cut, smtp::DataLimits limits) {
  smtp::DataFraming framing(limits);
  Decoded decoded;
  while (!decoded.is_complete && decoded.consumed < input.size()) {
    const auto step = framing.decode(input.substr(decoded.consumed, cut), decoded.content);
    decoded.consumed += step.consumed;
    decoded.is_complete = step.is_complete;
  }
  decoded.fault = framing.fault();
  return decoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t cut = 1 + data[0] % 64;
  const bool normalizes = (data[0] & 0x80) != 0;
  const std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const smtp::DataLimits limits{.size_max = 8192, .normalizes_line_feed = normalizes};
  const auto whole = decode(input, input.size(), limits);
  const auto pieces = decode(input, cut, limits);
  const auto end = ("\r\n" + input).find("\r\n.\r\n");
  WEIR_ASSERT(whole.is_complete == (end != std::string::npos));
  WEIR_ASSERT(!whole.is_complete || whole.consumed == end + 3);
  WEIR_ASSERT(whole.is_complete == pieces.is_complete && whole.consumed == pieces.consumed);
  WEIR_ASSERT(whole.fault.has_value() == pieces.fault.has_value());
  if (whole.fault) return 0;
  WEIR_ASSERT(whole.content == pieces.content);
  if (!whole.is_complete) return 0;
  WEIR_ASSERT(has_strict_lines(whole.content));
  if (!normalizes) {
    // What was stuffed comes back: stuffing the content again gives the octets that were read, but
    // for needless stuffing.
    std::string again;
    append_dot_stuffed(again, whole.content);
    WEIR_ASSERT(decode(again, again.size(), limits).content == whole.content);
  }
  return 0;
}
