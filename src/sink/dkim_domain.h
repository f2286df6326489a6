// The d= of a message's first DKIM-Signature (RFC 6376 section 3.5): whose quota it counts against.
#pragma once

#include <string>
#include <string_view>

namespace mailweir::sink {

// In lower case; empty when the message has no signature, or one without d=. The signature is not
// verified.
std::string dkim_domain(std::string_view content);

}  // namespace mailweir::sink
