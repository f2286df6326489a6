// The Ledger holds every queued message and recipient and keeps the counts that people ask for.
//
// It stores; it decides nothing. A recipient is in exactly one Stage; move() keeps the tallies of
// its domain, class, tenant and of the whole in step. Ends are announced as orders: Settle,
// RecordState.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/domain_table.h"
#include "engine/engine.h"
#include "engine/message_order.h"
#include "engine/message_record.h"
#include "engine/name_table.h"
#include "engine/order.h"

namespace mailweir::engine {

// How an attempt, or the decision to give up, came about.
struct Cause {
  Failure failure = Failure::none;
  Phase phase = Phase::resolve;
  const Reply* reply = nullptr;       // null: none
  const std::string* host = nullptr;  // that replied; null: none
};

class Ledger {
 public:
  explicit Ledger(std::vector<Order>& orders) : orders_(orders) {
    tenants.intern({});
    campaigns.intern({});
    mail_domains.intern({});
  }

  Slab<Message> messages;
  Slab<Recipient> recipients;
  DomainTable domains;
  static constexpr std::uint32_t names_max = 0x100'0000;  // Message has 24 bits for them
  static constexpr std::uint32_t campaigns_max = 0x1'0000;

  NameTable tenants{names_max};
  NameTable campaigns{campaigns_max};  // "tenant/campaign"; '/' and '%' of the tenant: %2F, %25
  NameTable mail_domains{names_max};   // of senders and signatures

  struct Kind {  // what a message is apart from its times
    std::uint8_t message_class = 0;
    std::uint8_t pool = 0;
  };
  // Takes a message whose recipients are all in Stage::entering.
  std::uint32_t add(const MessageFacts& facts, Kind kind);
  std::uint32_t find(MessageId id) const { return order_.find(id); }

  // Names that came with mail go when nothing has their number: each holder marks its own.
  struct NamesUsed {
    std::vector<bool> tenants;
    std::vector<bool> campaigns;
    std::vector<bool> mail_domains;
  };
  bool has_idle_names() const {
    return tenants.is_crowded() || campaigns.is_crowded() || mail_domains.is_crowded();
  }
  NamesUsed names_used() const;  // by the messages
  void forget_names(const NamesUsed& used);

  void move(std::uint32_t recipient, Stage to);

  // Tells the spool what the recipient has come to; with `host` and reply as in `cause`.
  void record(std::uint32_t recipient, Disposition disposition, const Cause& cause);
  // Announces the end of a recipient that no list, wheel or transaction holds. True: the message is
  // finished, and its records are gone unless it must still leave the expiry wheel first (then
  // release() it).
  bool settle(std::uint32_t recipient, Disposition disposition, const Cause& cause, Instant now);
  void release(std::uint32_t message);  // a finished message

  Totals totals() const;
  const Tally& class_tally(std::uint8_t id) const { return class_tallies_[id]; }
  // Nothing, of a name that no message has had.
  Tally tenant_tally(std::uint32_t id) const { return tally_at(tenant_tallies_, id); }
  Tally campaign_tally(std::uint32_t id) const { return tally_at(campaign_tallies_, id); }
  // The campaign's own name, without its tenant's.
  std::string_view campaign_name(std::uint32_t campaign) const;
  const MessageOrder& order() const { return order_; }
  std::uint32_t classes_known() const { return static_cast<std::uint32_t>(class_tallies_.size()); }

  // The recipients of a message, settled ones included. A visit that may settle goes over
  // unsettled() instead: the last end takes the whole chain away.
  template <class Visit>
  void each_recipient(std::uint32_t message, Visit visit) const {
    for (std::uint32_t r = messages[message].first_recipient; r != no_index;) {
      const std::uint32_t next = recipients[r].next_of_message;
      visit(r);
      r = next;
    }
  }
  std::vector<std::uint32_t> unsettled(std::uint32_t message) const;

 private:
  static Tally tally_at(const std::vector<Tally>& tallies, std::uint32_t id) {
    return id < tallies.size() ? tallies[id] : Tally{};
  }
  std::uint16_t number_of_campaign(std::string_view tenant, std::string_view campaign);
  void add_recipient(std::uint32_t message, std::uint32_t domain, const RecipientFacts& facts);

  std::vector<Order>& orders_;
  MessageOrder order_;
  Tally total_;
  std::vector<Tally> class_tallies_;
  std::vector<Tally> tenant_tallies_;
  std::vector<Tally> campaign_tallies_;
};

// The count of `tally` that a stage belongs to; null: none.
std::uint32_t Tally::* tally_of(Stage stage);

}  // namespace mailweir::engine
