// Bounce reads what came back about a message that another server had accepted: RFC 3464 reports,
// and the common texts without one (docs/providers.md lists them).
//
// Only failures: a delay, a success, an automatic reply or an ordinary message is no bounce.
//
// Pure; the input is hostile: bounded in recipients and bytes, any bytes are safe, the work is
// linear.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/reply.h"

namespace mailweir::provider {

enum class BounceFormat : std::uint8_t { report, text };  // report: RFC 3464

struct BouncedRecipient {
  std::string recipient;  // as written; may be empty
  std::string host;       // who refused, a name or an address; empty: not named
  Phase phase = Phase::rcpt;
  Reply reply;  // where only a status is given, 450 or 550 with that status; where only words, 550
};

struct Bounce {
  static constexpr std::size_t recipients_max = 1000;
  static constexpr std::size_t bytes_max = 1024 * 1024;  // what is looked at

  BounceFormat format = BounceFormat::report;
  std::vector<BouncedRecipient> recipients;
};

// Whether the text looks like a mail message, and not like a log or a list of replies.
bool looks_like_message(std::string_view text);
// `message` may also be the text or the status part alone. Empty when nothing in it tells of a
// recipient that was refused.
std::optional<Bounce> parse_bounce(std::string_view message);

}  // namespace mailweir::provider
