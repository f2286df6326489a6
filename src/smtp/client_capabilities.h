// What a server said it can do in its EHLO reply (RFC 5321 section 4.1.1.1), as far as a client of
// ours makes use of it.
#pragma once

#include <cstdint>

#include "mail/reply.h"

namespace mailweir::smtp {

struct PeerCapabilities {
  bool pipelining = false;             // RFC 2920
  bool eight_bit_mime = false;         // RFC 6152
  bool smtputf8 = false;               // RFC 6531
  bool dsn = false;                    // RFC 3461
  bool starttls = false;               // RFC 3207
  bool enhanced_status_codes = false;  // RFC 2034
  bool size = false;                   // RFC 1870
  std::uint64_t size_max = 0;          // octets; 0: no limit was stated

  friend bool operator==(const PeerCapabilities&, const PeerCapabilities&) = default;
};

// Reads a positive EHLO reply; unknown keywords and malformed lines are passed over, case does not
// matter. CHUNKING is left aside: DATA with PIPELINING costs as few round trips.
PeerCapabilities parse_capabilities(const Reply& ehlo);

}  // namespace mailweir::smtp
