// Finds the refusals in what a person hands to `mailweir classify`: replies a line, mail logs of
// Postfix and Exim, our own event log, tables, bounce messages. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/reply.h"

namespace mailweir::cli {

struct Refusal {
  std::string provider;  // a catalogue key, where the input says so
  std::string host;      // else who said it; empty: not known
  std::optional<Phase> phase;
  std::string recipient;  // of a bounce
  Reply reply;            // 4yz or 5yz
};

struct Refusals {
  std::vector<Refusal> found;
  std::size_t lines = 0;  // read; those without a refusal are passed over
};

// `text` is a bounce message, or lines of: a reply ("450 4.7.1 …"), a table row (provider, phase,
// reply, parted by tabs), a log line, an event (JSON). A line "550-…" goes on in the next ones with
// the same code: they are one reply, joined as a session joins it.
Refusals read_refusals(std::string_view text);
// A bounce message only.
Refusals read_bounce(std::string_view message);

}  // namespace mailweir::cli
