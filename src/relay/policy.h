// The Policy gives an accepted message its class, tenant, egress pool and times, and says which
// recipients are suppressed.
//
// Immutable snapshot of the configuration; any thread. It drops nothing: a suppressed recipient
// gets a recorded disposition.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/config.h"
#include "engine/engine_config.h"
#include "intake/message_acceptor.h"
#include "mail/stored_message.h"
#include "relay/suppression_list.h"

namespace mailweir::relay {

struct PolicyOptions {
  std::vector<config::Assignment> assignments;         // first match wins
  std::vector<engine::MessageClass> classes;           // at least one; the first is the default
  std::vector<std::string> pools;                      // known names
  std::shared_ptr<const SuppressionList> suppression;  // may be null: nobody
};

class Policy {
 public:
  explicit Policy(PolicyOptions options) : options_(std::move(options)) {}

  // Fills class, tenant, campaign, pool and times of `message` from the assignments and from the
  // X-Mailweir-* header fields, which weigh more and are then taken out of `content`
  // (docs/intake.md#header-fields). An unknown class or pool, or a time that cannot be read, is an
  // error to answer with a 550. The tenant of mail that nothing assigns is the sender's domain.
  Result<void> classify(const intake::ReceivedMessage& received, UnixTime now,
                        StoredMessage& message, std::string& content) const;
  bool is_suppressed(const Mailbox& recipient) const;

 private:
  const engine::MessageClass* find_class(std::string_view name) const;
  Result<void> apply_field(std::string_view name, const std::string& value, UnixTime now,
                           StoredMessage& message) const;
  Result<void> apply_submission(const intake::ReceivedMessage& received,
                                StoredMessage& message) const;
  bool is_pool(std::string_view name) const;

  PolicyOptions options_;
};

}  // namespace mailweir::relay
