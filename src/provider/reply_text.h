// A reply read back from one piece of text, as people and logs write it: "451 4.7.500 Server busy",
// "550-5.7.1 first line 550 5.7.1 second line", "450 a\n4.7.1 b".
#pragma once

#include <optional>
#include <string_view>

#include "mail/reply.h"

namespace mailweir::provider {

// Empty when the text does not begin with a code of 200..599. A code that is repeated at the begin
// of further lines, or in the middle where a log has joined them ("550-"), is dropped.
std::optional<Reply> parse_reply_text(std::string_view text);

}  // namespace mailweir::provider
