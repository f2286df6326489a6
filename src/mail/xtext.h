// The encodings of ORCPT= and ENVID=: xtext (RFC 3461 section 4), and the utf-8 address type (RFC
// 6533 section 3).
//
// Pure. Decoding is strict except for lower-case hexadecimal digits, which some clients send. A
// decoded text may hold any octet, line ends among them: look before it goes anywhere.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "mail/mailbox.h"

namespace mailweir {

std::string encode_xtext(std::string_view text);
Result<std::string> decode_xtext(std::string_view xtext);

// "\x{65E5}" for everything but printable ASCII, and for '+', '=' and '\': the seven-bit form of a
// UTF-8 address. `address` must be valid UTF-8; an octet that is not comes out as U+FFFD.
std::string encode_utf8_address(std::string_view address);
Result<std::string> decode_utf8_address(std::string_view text);

// ORCPT= apart: "rfc822;a+2Bb@example.com" is {"rfc822", "a+b@example.com"}.
struct OriginalRecipient {
  std::string type;     // as written: "rfc822", "utf-8", "x400", …
  std::string address;  // decoded; no controls
  friend bool operator==(const OriginalRecipient&, const OriginalRecipient&) = default;
};

// Refuses an empty part, a type that is no atom, an encoding that is none, controls, and more than
// 500 octets (RFC 3461 section 4.2). Raw UTF-8 stands only in the type utf-8, where `charset`
// allows.
Result<OriginalRecipient> parse_original_recipient(std::string_view orcpt,
                                                   AddressCharset charset = AddressCharset::ascii);
// ENVID= decoded: printable ASCII, at most 100 octets on the wire (RFC 3461 section 4.4).
Result<std::string> parse_envelope_id(std::string_view envid);

}  // namespace mailweir
