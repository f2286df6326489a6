// A Mailbox is local-part@domain as SMTP carries it (RFC 5321 section 4.1.2, RFC 6531 section 3.3).
//
// Immutable value; the local-part keeps its case and quoting, the domain is lower-cased. An address
// literal
// (`user@[192.0.2.1]`) keeps its brackets in `domain()`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mailweir {

// Whether octets above 127 may stand in an address: only where the transaction declared SMTPUTF8.
enum class AddressCharset : std::uint8_t { ascii, utf8 };

class Mailbox {
 public:
  Mailbox() = default;

  // Parses exactly one mailbox without angle brackets. Refuses source routes, `%` and `!` routing
  // in the local-part of a relayed address, control characters, and anything over the limits of RFC
  // 5321 section 4.5.3.1 (64 octets local-part, 255 domain, 254 whole). The error says which part
  // is wrong and why.
  static Result<Mailbox> parse(std::string_view text,
                               AddressCharset charset = AddressCharset::ascii);

  // Trusts bytes that parse() accepted before (the spool's records).
  static Mailbox from_parts(std::string_view local_part, std::string_view domain);

  std::string_view local_part() const { return std::string_view(text_).substr(0, at_); }
  std::string_view domain() const;
  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  bool is_ascii() const;

  friend bool operator==(const Mailbox&, const Mailbox&) = default;

 private:
  std::string text_;
  std::uint16_t at_ = 0;
};

// Lower-cases ASCII letters, drops one trailing dot, checks label syntax and lengths. UTF-8 labels
// are kept as they are when `charset` allows; `to_a_labels` is the form DNS is asked for.
Result<std::string> normalize_domain(std::string_view domain, AddressCharset charset);
// IDNA2008 A-labels ("xn--…") of a domain; identity for ASCII.
Result<std::string> to_a_labels(std::string_view domain);

}  // namespace mailweir
