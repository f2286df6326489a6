#include "smtp/client_commands.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace mailweir::smtp {
namespace {

constexpr std::uint64_t high_bits = 0x8080'8080'8080'8080ULL;

// Every message passes here, so it goes by words: a block of eight at a time, which compilers turn
// into vector instructions.
bool has_eight_bit(std::string_view bytes) {
  constexpr std::size_t block = 64;
  while (bytes.size() >= block) {
    std::array<std::uint64_t, block / 8> words;
    std::memcpy(words.data(), bytes.data(), block);
    std::uint64_t any = 0;
    for (const std::uint64_t word : words) any |= word;
    if ((any & high_bits) != 0) return true;
    bytes.remove_prefix(block);
  }
  return std::ranges::any_of(bytes, [](char c) { return static_cast<unsigned char>(c) > 127; });
}

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_notify(std::string& out, DsnNotify notify) {
  if (notify == DsnNotify::unspecified) return;
  out.append(" NOTIFY=");
  if (has(notify, DsnNotify::never)) {  // stands alone (RFC 3461 section 4.1)
    out.append("NEVER");
    return;
  }
  std::string_view comma;
  const auto add = [&](DsnNotify flag, std::string_view word) {
    if (!has(notify, flag)) return;
    out.append(comma).append(word);
    comma = ",";
  };
  add(DsnNotify::success, "SUCCESS");
  add(DsnNotify::failure, "FAILURE");
  add(DsnNotify::delay, "DELAY");
}

bool has_utf8_address(const TransactionFacts& facts) {
  const Envelope& envelope = *facts.envelope;
  if (!envelope.reverse_path.mailbox.is_ascii()) return true;
  return std::ranges::any_of(facts.recipients, [&](std::uint16_t index) {
    return !envelope.recipients[index].mailbox.is_ascii();
  });
}

}  // namespace

ContentNeeds find_needs(std::string_view content) {
  ContentNeeds needs;
  needs.eight_bit = has_eight_bit(content);
  if (needs.eight_bit) {
    needs.eight_bit_header = has_eight_bit(content.substr(0, content.find("\r\n\r\n")));
  }
  return needs;
}

Obstacle find_obstacle(const TransactionFacts& facts, const PeerCapabilities& peer) {
  if (peer.size_max > 0 && facts.content_size > peer.size_max) return Obstacle::message_too_large;
  if (!peer.smtputf8 &&
      (has_utf8_address(facts) || (facts.envelope->smtputf8 && facts.needs.eight_bit_header))) {
    return Obstacle::needs_smtputf8;
  }
  if (!peer.eight_bit_mime && facts.needs.eight_bit) return Obstacle::needs_8bit_mime;
  return Obstacle::none;
}

void append_mail(std::string& out, const TransactionFacts& facts, const PeerCapabilities& peer) {
  const Envelope& envelope = *facts.envelope;
  out.append("MAIL FROM:<").append(envelope.reverse_path.text()).push_back('>');
  if (peer.size) {
    out.append(" SIZE=");
    append_number(out, facts.content_size);
  }
  // Said only where it is needed: 7-bit content is 7-bit whatever its sender declared.
  if (peer.eight_bit_mime && facts.needs.eight_bit) out.append(" BODY=8BITMIME");
  if (peer.smtputf8 && (envelope.smtputf8 || has_utf8_address(facts))) out.append(" SMTPUTF8");
  if (peer.dsn) {
    if (envelope.dsn_return == DsnReturn::full) out.append(" RET=FULL");
    if (envelope.dsn_return == DsnReturn::headers) out.append(" RET=HDRS");
    if (!envelope.envelope_id.empty()) out.append(" ENVID=").append(envelope.envelope_id);
  }
  out.append("\r\n");
}

void append_rcpt(std::string& out, const Recipient& recipient, const PeerCapabilities& peer) {
  out.append("RCPT TO:<").append(recipient.mailbox.text()).push_back('>');
  if (peer.dsn) {
    append_notify(out, recipient.notify);
    if (!recipient.original_recipient.empty()) {
      out.append(" ORCPT=").append(recipient.original_recipient);
    }
  }
  out.append("\r\n");
}

}  // namespace mailweir::smtp
