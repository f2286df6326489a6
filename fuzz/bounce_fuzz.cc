// Bounces, quoted replies and lines of replies: any bytes are safe, what comes out is a refusal and
// within its bounds.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "cli/refusals.h"
#include "mail/transfer_encoding.h"
#include "provider/bounce.h"
#include "provider/mime_parts.h"
#include "provider/spoken_reply.h"

using namespace mailweir;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  provider::looks_like_message(text);
  if (const auto bounce = provider::parse_bounce(text)) {
    WEIR_ASSERT(!bounce->recipients.empty());
    WEIR_ASSERT(bounce->recipients.size() <= provider::Bounce::recipients_max);
    for (const auto& recipient : bounce->recipients)
      WEIR_ASSERT(recipient.reply.is_transient() || recipient.reply.is_permanent());
  }
  WEIR_ASSERT(decode_base64(text).size() <= size);
  WEIR_ASSERT(decode_quoted_printable(text).size() <= size);
  WEIR_ASSERT(provider::readable_parts(text).size() <= provider::MimeLimits::parts_max);
  for (const cli::Refusal& refusal : cli::read_refusals(text).found)
    WEIR_ASSERT(refusal.reply.is_transient() || refusal.reply.is_permanent());
  if (const auto spoken = provider::find_spoken_reply(text))
    WEIR_ASSERT(spoken->reply.is_transient() || spoken->reply.is_permanent());
  return 0;
}
