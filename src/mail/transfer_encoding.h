// Content-Transfer-Encoding undone (RFC 2045 sections 6.7 and 6.8), leniently: what is no encoding
// stays (quoted-printable) or is passed over (base64), whatever the octets are. Nothing grows.
#pragma once

#include <string>
#include <string_view>

namespace mailweir {

std::string decode_quoted_printable(std::string_view text);
// Ends at the padding.
std::string decode_base64(std::string_view text);
// As `encoding`, the value of the header field, says; other encodings leave the text as it is.
std::string decode_transfer(std::string_view text, std::string_view encoding);

}  // namespace mailweir
