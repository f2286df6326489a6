// Reads bounces that are written for people only. Each reader knows one family of formats and finds
// nothing in the others. `text` is decoded and ends where the original message begins (own_text).
//
// Pure; any bytes are safe; the work is linear in the text.
#pragma once

#include <string_view>

#include "provider/bounce_lines.h"

namespace mailweir::provider {

// The text up to the original message, as the mail systems part them.
std::string_view own_text(std::string_view text);

// sendmail, and who writes sessions as it does (au): sections of addresses with reasons, and a
// transcript of ">>>" and "<<<" lines. Addresses with transient errors are left out.
Findings read_transcript(std::string_view text);
// Fields with names: Sun JES and iPlanet, SmarterMail, au.
Findings read_labels(std::string_view text);
// An address and the reason in one paragraph or in the next: qmail, Exim, Postfix, Exchange, Yahoo,
// docomo, softbank, GMX, CommuniGate Pro, Lotus Domino, smail.
Findings read_paragraphs(std::string_view text);

}  // namespace mailweir::provider
