// What the engine says of itself, for people and their programs: messages, queues, paths. Values,
// of the moment they were asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "engine/last_refusal.h"
#include "engine/outcome.h"
#include "engine/path_hand.h"
#include "mail/stored_message.h"
#include "pacing/pacer.h"

namespace mailweir::engine {

// Why a recipient is not on its way at this moment.
enum class WaitReason : std::uint8_t {
  none,           // in flight
  route,          // the MX look-up is under way
  not_before,     // the sender asked for a later time
  retry,          // deferred by a refusal; until `until`
  held,           // by an operator, or because its content cannot be read
  next_hop_down,  // the next hop could not be reached; next try `until`
  connection_cap,
  message_rate_cap,
  connection_rate_cap,
  learned_limit,    // of the path: what is sent now is what it is known to bear
  path_held,        // refused there; one canary at a time asks, the next `until`
  path_paused,      // by an operator
  hosts_held,       // all MX hosts of the next hop; the first canary `until`
  source_unusable,  // its address is not on this machine; next try `until`
  cell,  // its domain, tenant, campaign or network is slow there; its place comes `until`
  turn,  // others go first: class, tenant, order of arrival
};
std::string_view to_string(WaitReason reason);

// What is narrower than a path, or wider, and not simply open.
struct CellView {
  std::string name;  // "sender_domain example.com"; of a host its name alone
  pacing::LearnedState learned;
  LastRefusal last;
  Instant ceiling_until = never;  // slowed on suspicion until then; never: it is not
};

// What the comparison of siblings has found, and still holds (docs/diagnosis.md).
struct FindingView {
  std::string cause;     // "ip-blocked", "provider-down", "host-down", "egress-down", "dns-trouble"
  std::string source;    // empty: all
  std::string provider;  // empty: all
  std::string host;      // of host-down
  Instant since{};       // the first failure
  Instant found{};
  std::string english;  // with the evidence, for a person
  std::string japanese;

  bool concerns(std::string_view source_name, std::string_view provider_key) const {
    return (source.empty() || source == source_name) &&
           (provider.empty() || provider == provider_key);
  }
};

struct RecipientView {
  MessageId id;
  std::uint16_t recipient = 0;
  Disposition disposition = Disposition::queued;
  std::uint16_t attempts = 0;
  std::uint16_t reply_code = 0;
  std::string domain;
  std::string provider;  // empty until routed
  std::string message_class;
  pacing::Rank rank = pacing::Rank::ordinary;  // of its class, where a path is scarce
  std::string tenant;
  std::string campaign;  // its own name; empty: none
  std::uint32_t tenants =
      0;  // that take turns with it at its next hop, its own included; 0: not ready
  Instant accepted{};
  Instant due{};
  Instant expires{};
  WaitReason reason = WaitReason::none;
  Instant until{};
  std::optional<CellView> cell;  // of WaitReason::cell
};

// One row of `mailweir queue`.
struct QueueRow {
  std::string key;  // provider, domain, class, tenant or "tenant/campaign", as asked
  std::uint64_t ready = 0;
  std::uint64_t deferred = 0;
  std::uint64_t held = 0;
  std::uint64_t in_flight = 0;
  Instant oldest = never;  // accepted
};

struct PathView {
  std::string source;
  std::string provider;
  bool is_paused = false;                       // by an operator
  std::optional<pacing::LearnedState> learned;  // none: fixed caps alone
  std::uint32_t connections = 0;
  std::uint32_t in_flight = 0;
  std::uint64_t delivered = 0;
  std::uint64_t deferred = 0;
  std::uint64_t bounced = 0;
  pacing::PathCaps caps;
};

// Next hops of a provider that could not be reached, by whatever source.
struct Unreached {
  std::uint32_t hops = 0;
  bool is_all = false;  // nobody else of the provider is left to go to
  Instant since{};      // the first failure of the row, of the longest
  Instant next_try = never;
};

// Why a path is as fast as it is, and what comes next; forecasts are marked as such.
struct PathExplanation {
  std::string source;
  std::string provider;
  bool is_used = false;   // in this run of the process; else only configuration speaks
  pacing::PathCaps caps;  // hands included
  bool is_paused = false;
  std::vector<PathHand> hands;                  // that cover it
  std::optional<pacing::LearnedState> learned;  // of its network, while that is not open
  std::string network;                          // that is counted together; empty: none is
  pacing::NextPermit next;                      // for an urgent, else any message
  std::uint32_t connections = 0;
  std::uint32_t in_flight = 0;
  std::uint64_t waiting = 0;    // recipients ready for the provider, by any source
  LastRefusal last;             // of the path, or of what is shared with it while that is not open
  std::vector<CellView> hosts;  // that are held or are being verified, apart from the others
  std::vector<CellView> cells;  // of the provider, that are not open: a sender, a tenant …
  std::vector<FindingView> findings;  // that concern it
  std::optional<Unreached> unreached;
  bool is_warming = false;  // the source has no history at the providers yet
  bool carries_others =
      false;  // a sibling is held: this path takes over no more than it has shown to bear
  Instant next_move = never;  // forecast: the next canary, or the next permit
  Duration
      drain{};  // forecast, at the present pace of all paths to the provider; zero: cannot tell
};

struct Totals {
  std::uint64_t messages = 0;
  std::uint64_t recipients = 0;
  std::uint64_t ready = 0;
  std::uint64_t deferred = 0;
  std::uint64_t held = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t sessions = 0;
  Instant oldest = never;
};

enum class QueueKey : std::uint8_t { provider, domain, message_class, tenant, campaign };

struct ListFilter {
  std::string provider;  // empty: any
  std::string domain;
  std::string message_class;
  std::string tenant;
  std::string campaign;
  std::optional<Disposition> disposition;
};

}  // namespace mailweir::engine
