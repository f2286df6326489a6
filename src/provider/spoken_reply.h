// A reply as a log line or the text of a bounce quotes it, with what stands around it: the step it
// answered and the host that said it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mail/reply.h"

namespace mailweir::provider {

struct SpokenReply {
  Reply reply;
  std::optional<Phase> phase;  // where the text names it
  std::string host;            // lower-case; empty: not named
};

// Reads the wordings of Postfix ("host mx[ip] said: 450 … (in reply to RCPT TO command)"), Exim
// ("SMTP error from remote mail server after RCPT TO:<…>: 450 …"), qmail ("Remote host said: …"),
// CommuniGate Pro ("host mx says: …") and Exchange ("Remote Server returned '550 …'"). `text` is
// one line, or a paragraph with its lines joined. Nothing when no refusal (4yz, 5yz) is quoted.
std::optional<SpokenReply> find_spoken_reply(std::string_view text);

// What stands around a reply, of a text in lower case: the step that was refused, and the name
// behind "host ", "h=" or "relay=" (empty: none).
std::optional<Phase> named_phase(std::string_view folded);
std::string named_host(std::string_view folded);

}  // namespace mailweir::provider
