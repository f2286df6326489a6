// A Ruling is what a refusal means: its category, what it is about, how long it wants us to wait,
// and the rule that says so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "mail/reply.h"

namespace mailweir::provider {

enum class Category : std::uint8_t {
  throttled,         // too much, too fast, for now
  connection_limit,  // too many connections at once
  block_listed,  // refused whatever is sent until released; about our address the mail waits, even
                 // behind a 5yz, and does not bounce
  greylisted,    // first contact: again later, from the same source
  mailbox,       // this recipient: unknown, full, disabled, its own rate
  content,       // this message: spam, virus, size, form
  authentication,     // SPF, DKIM, DMARC, reverse DNS, TLS required: about how we send
  receiver_trouble,   // the receiver's own failure: storage, look-ups, "try again"
  session_end,        // 421 at the end of an idle or used-up session: nothing
  unknown_temporary,  // 4yz that no rule reads
  unknown_permanent,  // 5yz that no rule reads
};
std::string_view to_string(Category category);

// Whom a refusal is about. Only `source`, `netblock` and `host` concern a path; domains have cells
// of their own.
enum class Scope : std::uint8_t {
  source,         // our IP at this provider
  netblock,       // our IP and its neighbours
  sender_domain,  // the envelope sender's (SPF)
  dkim_domain,    // the signing domain
  url,            // a link in the content
  recipient,
  message,
  host,    // this MX host, or this pool of theirs
  tenant,  // the receiving organisation: the recipient's domain
};
std::string_view to_string(Scope scope);

struct Ruling {
  Category category = Category::unknown_temporary;
  Scope scope = Scope::message;
  Duration wait{};        // named by the reply or known for it; zero: none
  std::string_view rule;  // its name, "google/ip-rate"; of a general rule "any/…"; lives as long as
                          // the Catalogue

  bool is_unknown() const {
    return category == Category::unknown_temporary || category == Category::unknown_permanent;
  }
};

}  // namespace mailweir::provider
