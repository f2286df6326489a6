// Which replies the pattern lists that operators load into their servers take for throttling.
//
// The texts are those that providers document or that operators report (Google's 4.7.28,
// Microsoft's 4.7.5nn and 4.7.65n, Yahoo's TSS04, …); a rule knows the text, not the meaning.
#pragma once

#include "mail/reply.h"

namespace mailweir::senders {

bool looks_throttled(const Reply& reply);

}  // namespace mailweir::senders
