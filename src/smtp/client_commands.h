// The commands of a mail transaction as a client writes them, and the reasons for which one cannot
// be written for a peer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "mail/envelope.h"
#include "smtp/client_capabilities.h"

namespace mailweir::smtp {

// What stands between a message and a peer that no retry with this peer will change.
enum class Obstacle : std::uint8_t {
  none,
  message_too_large,  // SIZE (RFC 1870): larger than the peer takes
  needs_8bit_mime,    // RFC 6152: 8-bit content, and the peer takes 7-bit only. Content is not
                      // converted here
  needs_smtputf8,     // RFC 6531: an address or the header needs it
};

// What a message asks of a peer; found once, when its transaction is planned.
struct ContentNeeds {
  bool eight_bit = false;         // some octet is above 127
  bool eight_bit_header = false;  // one in the header section
};
ContentNeeds find_needs(std::string_view content);

struct TransactionFacts {
  const Envelope* envelope = nullptr;
  std::span<const std::uint16_t> recipients;  // indices into the envelope
  std::size_t content_size = 0;
  ContentNeeds needs;
};

Obstacle find_obstacle(const TransactionFacts& facts, const PeerCapabilities& peer);

// Each appends one line, CRLF included. They presume that find_obstacle() found none.
void append_mail(std::string& out, const TransactionFacts& facts, const PeerCapabilities& peer);
void append_rcpt(std::string& out, const Recipient& recipient, const PeerCapabilities& peer);

}  // namespace mailweir::smtp
