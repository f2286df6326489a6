// Quoted-printable (RFC 2045 section 6.7): text with CRLF line ends as seven-bit lines of at most
// 76 octets.
#pragma once

#include <string>
#include <string_view>

namespace mailweir {

// Decodes to `text` exactly, whatever octets it has. A dot and "From " at a line start are encoded
// as well, because servers on the way touch them. A last line without line end gets none.
std::string encode_quoted_printable(std::string_view text);

}  // namespace mailweir
