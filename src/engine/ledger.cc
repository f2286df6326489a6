#include "engine/ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.h"

namespace mailweir::engine {

namespace {

// The first '/' of a campaign's name ends that of its tenant.
std::string escaped(std::string_view tenant) {
  std::string text;
  for (const char c : tenant) {
    if (c == '/' || c == '%') {
      text += c == '/' ? "%2F" : "%25";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::uint32_t Tally::* tally_of(Stage stage) {
  switch (stage) {
    case Stage::routing:
    case Stage::ready:
      return &Tally::ready;
    case Stage::deferred:
      return &Tally::deferred;
    case Stage::held:
      return &Tally::held;
    case Stage::in_flight:
      return &Tally::in_flight;
    case Stage::entering:
    case Stage::settled:
      return nullptr;
  }
  return nullptr;
}

std::uint32_t Ledger::add(const MessageFacts& facts, Kind kind) {
  const std::uint32_t m = messages.allocate();
  Message& message = messages[m];
  const std::uint32_t tenant = tenants.intern(facts.tenant);
  if (tenant >= tenant_tallies_.size()) tenant_tallies_.resize(tenant + 1);
  message.campaign = number_of_campaign(facts.tenant, facts.campaign);
  if (message.campaign >= campaign_tallies_.size()) campaign_tallies_.resize(message.campaign + 1U);
  if (kind.message_class >= class_tallies_.size()) class_tallies_.resize(kind.message_class + 1U);
  message.id = facts.id;
  message.accepted = facts.accepted;
  message.expires_after = Offset(facts.accepted, facts.expires);
  message.deadline_after = Offset(facts.accepted, facts.deadline);
  message.magnitude = std::min(31U, static_cast<unsigned>(std::bit_width(facts.size))) & 0x1FU;
  message.tenant = tenant & 0xFF'FFFFU;
  message.sender_domain = mail_domains.intern(facts.sender_domain) & 0xFF'FFFFU;
  message.dkim_domain = mail_domains.intern(facts.dkim_domain) & 0xFF'FFFFU;
  message.message_class = kind.message_class;
  message.pool = kind.pool;
  message.recipients_total = facts.recipients_total;
  order_.insert(facts.id, m);
  // Linked from the back, so that the chain runs in envelope order.
  for (std::size_t i = facts.recipients.size(); i > 0; --i) {
    const RecipientFacts& recipient = facts.recipients[i - 1];
    const std::uint32_t domain = domains.intern(recipient.domain);
    domains.set_busy(domain);
    add_recipient(m, domain, recipient);
  }
  return m;
}

std::uint16_t Ledger::number_of_campaign(std::string_view tenant, std::string_view campaign) {
  if (campaign.empty()) return 0;
  return static_cast<std::uint16_t>(
      campaigns.intern(fmt::format("{}/{}", escaped(tenant), campaign)));
}

std::string_view Ledger::campaign_name(std::uint32_t campaign) const {
  const std::string_view name = campaigns[campaign];
  return name.substr(name.find('/') + 1);  // npos + 1: the empty name as a whole
}

Ledger::NamesUsed Ledger::names_used() const {
  NamesUsed used{std::vector<bool>(tenants.size()), std::vector<bool>(campaigns.size()),
                 std::vector<bool>(mail_domains.size())};
  used.tenants[0] = used.campaigns[0] = used.mail_domains[0] = true;
  for (std::uint32_t m = 0; m < messages.extent(); ++m) {
    if (messages[m].first_recipient == no_index) continue;
    used.tenants[messages[m].tenant] = true;
    used.campaigns[messages[m].campaign] = true;
    used.mail_domains[messages[m].sender_domain] = true;
    used.mail_domains[messages[m].dkim_domain] = true;
  }
  return used;
}

void Ledger::forget_names(const NamesUsed& used) {
  tenants.keep_only(used.tenants);
  campaigns.keep_only(used.campaigns);
  mail_domains.keep_only(used.mail_domains);
}

void Ledger::add_recipient(std::uint32_t message, std::uint32_t domain,
                           const RecipientFacts& facts) {
  const std::uint32_t r = recipients.allocate();
  Recipient& recipient = recipients[r];
  recipient.message = message;
  recipient.domain = domain;
  recipient.index = facts.recipient;
  recipient.attempts = facts.attempts;
  recipient.reply_code = facts.reply_code;
  recipient.due = facts.due;
  recipient.next_of_message = messages[message].first_recipient;
  messages[message].first_recipient = r;
  ++messages[message].recipients_left;
}

void Ledger::move(std::uint32_t r, Stage to) {
  Recipient& recipient = recipients[r];
  const auto from_count = tally_of(recipient.stage);
  const auto to_count = tally_of(to);
  recipient.stage = to;
  if (from_count == to_count) return;
  const Message& message = messages[recipient.message];
  for (Tally* tally :
       {&total_, &domains[recipient.domain].tally, &class_tallies_[message.message_class],
        &tenant_tallies_[message.tenant], &campaign_tallies_[message.campaign]}) {
    if (from_count != nullptr) --(tally->*from_count);
    if (to_count != nullptr) ++(tally->*to_count);
  }
}

void Ledger::record(std::uint32_t r, Disposition disposition, const Cause& cause) {
  const Recipient& recipient = recipients[r];
  RecordState order;
  order.message = messages[recipient.message].id;
  order.recipient = recipient.index;
  order.disposition = disposition;
  order.attempts = recipient.attempts;
  order.due = recipient.due;
  order.failure = cause.failure;
  order.phase = cause.phase;
  if (cause.reply != nullptr) {
    order.reply = *cause.reply;
  } else {
    order.reply.code = recipient.reply_code;
    order.is_old_reply = recipient.reply_code != 0;
  }
  orders_.emplace_back(std::move(order));
}

bool Ledger::settle(std::uint32_t r, Disposition disposition, const Cause& cause, Instant now) {
  WEIR_ASSERT(is_final(disposition) && recipients[r].stage != Stage::settled);
  move(r, Stage::settled);
  const Recipient& recipient = recipients[r];
  Message& message = messages[recipient.message];
  --message.recipients_left;
  Settle order;
  order.message = message.id;
  order.recipient = recipient.index;
  order.disposition = disposition;
  order.attempts = recipient.attempts;
  order.failure = cause.failure;
  order.phase = cause.phase;
  if (cause.reply != nullptr) {
    order.reply = *cause.reply;
  } else {
    order.reply.code = recipient.reply_code;
    order.is_old_reply = recipient.reply_code != 0;
  }
  if (cause.host != nullptr) order.host = *cause.host;
  order.message_finished = message.recipients_left == 0;
  order.recipients_total = message.recipients_total;
  const bool finished = order.message_finished;
  orders_.emplace_back(std::move(order));
  if (domains[recipient.domain].tally.empty()) domains.set_idle(recipient.domain, now);
  return finished;
}

void Ledger::release(std::uint32_t m) {
  WEIR_ASSERT(messages[m].recipients_left == 0);
  order_.erase(messages[m].id);
  each_recipient(m, [&](std::uint32_t r) { recipients.release(r); });
  messages.release(m);
}

std::vector<std::uint32_t> Ledger::unsettled(std::uint32_t m) const {
  std::vector<std::uint32_t> result;
  result.reserve(messages[m].recipients_left);
  each_recipient(m, [&](std::uint32_t r) {
    if (recipients[r].stage != Stage::settled) result.push_back(r);
  });
  return result;
}

Totals Ledger::totals() const {
  Totals totals;
  totals.messages = order_.size();
  totals.ready = total_.ready;
  totals.deferred = total_.deferred;
  totals.held = total_.held;
  totals.in_flight = total_.in_flight;
  totals.recipients = totals.ready + totals.deferred + totals.held + totals.in_flight;
  // Ids rise with acceptance, so the lowest id is the oldest.
  if (const std::uint32_t first = order_.first(); first != no_index)
    totals.oldest = messages[first].accepted;
  return totals;
}

}  // namespace mailweir::engine
