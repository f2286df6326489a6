#include "simulate/virtual_spool.h"

#include <fmt/format.h>

#include "base/assert.h"

namespace mailweir::simulate {
namespace {

using engine::Failure;

// What src/engine/classify_outcome.h lets a sender bounce for; said again here, as a checker must
// not ask the checked.
bool is_for_good(Failure failure) {
  switch (failure) {
    case Failure::dns_no_such_domain:
    case Failure::null_mx:
    case Failure::target_refused:
    case Failure::message_too_large:
    case Failure::needs_8bit_mime:
    case Failure::needs_smtputf8:
      return true;
    default:
      return false;
  }
}

bool is_for_good(const engine::RecipientResult& result) {
  if (result.failure != Failure::none) return is_for_good(result.failure);
  if (result.phase == Phase::rcpt && says_too_many_recipients(result.reply)) return false;
  return result.reply.is_permanent();
}

}  // namespace

VirtualSpool::Chunk* VirtualSpool::chunk_of(MessageId id) const {
  const std::uint64_t chunk = (id.value - 1) >> chunk_bits;
  return id.value == 0 || chunk >= chunks_.size() ? nullptr : chunks_[chunk].get();
}

Mail* VirtualSpool::find_mail(MessageId id) const {
  Chunk* chunk = chunk_of(id);
  if (chunk == nullptr) return nullptr;
  const std::uint64_t at = (id.value - 1) & (chunk_size - 1);
  return at < chunk->issued ? &chunk->mails[at] : nullptr;
}

MailRecipient* VirtualSpool::find_recipient(MessageId id, std::uint16_t index) const {
  const Mail* mail = find_mail(id);
  if (mail == nullptr || index >= mail->recipients) return nullptr;
  return &chunk_of(id)->recipients[mail->first_recipient + index];
}

const Mail* VirtualSpool::find(MessageId id) const {
  return find_mail(id);
}

const MailRecipient& VirtualSpool::recipient(MessageId id, std::uint16_t index) const {
  const MailRecipient* recipient = find_recipient(id, index);
  WEIR_ASSERT(recipient != nullptr);
  return *recipient;
}

MessageId VirtualSpool::accept(Mail mail, const std::vector<std::uint32_t>& domains) {
  const MessageId id{next_id_++};
  if (((id.value - 1) & (chunk_size - 1)) == 0) chunks_.push_back(std::make_unique<Chunk>());
  Chunk& chunk = *chunks_.back();
  mail.first_recipient = static_cast<std::uint32_t>(chunk.recipients.size());
  mail.recipients = mail.unsettled = static_cast<std::uint16_t>(domains.size());
  for (const std::uint32_t domain : domains) chunk.recipients.push_back({.domain = domain});
  chunk.mails[chunk.issued++] = mail;
  unsettled_ += domains.size();
  return id;
}

void VirtualSpool::start(const engine::StartTransaction& order, Instant now) {
  for (const std::uint16_t index : order.recipients) {
    MailRecipient* recipient = find_recipient(order.message, index);
    if (recipient == nullptr || is_final(recipient->live)) {
      rules_.broken(now, order.message.value, index, "sent again after its end");
    } else if (recipient->is_in_flight) {
      rules_.broken(now, order.message.value, index, "sent while it is on its way already");
    } else {
      was_told(*recipient, order.message, index, "sent again", now);
      recipient->is_in_flight = true;
    }
  }
}

void VirtualSpool::finish(const engine::TransactionDone& done) {
  for (const engine::RecipientResult& result : done.results) {
    MailRecipient* recipient = find_recipient(done.message, result.recipient);
    if (recipient == nullptr) continue;
    recipient->is_in_flight = false;
    recipient->may_bounce = is_for_good(result);
    if (result.failure == Failure::none && result.phase == Phase::end_of_data &&
        result.reply.is_positive())
      recipient->was_told = true;
  }
}

void VirtualSpool::route_failed(std::uint32_t domain, Failure failure) {
  if (is_for_good(failure)) dead_domains_.insert(domain);
}

bool VirtualSpool::was_told(const MailRecipient& recipient, MessageId id, std::uint16_t index,
                            std::string_view what, Instant now) {
  if (!recipient.was_told) return false;
  rules_.broken(now, id.value, index, fmt::format("{} after a 250 was reported for it", what));
  return true;
}

void VirtualSpool::record(const engine::RecordState& state, UnixTime due, Instant now) {
  MailRecipient* recipient = find_recipient(state.message, state.recipient);
  if (recipient == nullptr || is_final(recipient->live)) {
    rules_.broken(now, state.message.value, state.recipient, "a state was recorded after the end");
    return;
  }
  was_told(*recipient, state.message, state.recipient, "recorded as not ended", now);
  recipient->live = state.disposition;
  lazy_.push_back({state.message, due, state.recipient, state.attempts, state.reply.code,
                   state.disposition, false});
}

// Whether the world has given cause for this end.
void VirtualSpool::check_end(const engine::Settle& settle, const MailRecipient& recipient,
                             Instant now) {
  const auto broken = [&](std::string what) {
    rules_.broken(now, settle.message.value, settle.recipient, std::move(what));
  };
  if (settle.disposition != Disposition::delivered)
    was_told(recipient, settle.message, settle.recipient, "ended otherwise", now);
  switch (settle.disposition) {
    case Disposition::delivered:
      if (recipient.receptions == 0) broken("recorded as delivered, but no receiver has taken it");
      return;
    case Disposition::expired:
      if (now < find_mail(settle.message)->expires) broken("expired before its time");
      return;
    case Disposition::bounced:
      if (!recipient.may_bounce && !dead_domains_.contains(recipient.domain))
        broken("bounced, but nothing that was reported is for good");
      return;
    default:
      broken(fmt::format("ended as {}, which nobody asked for", to_string(settle.disposition)));
  }
}

bool VirtualSpool::settle(const engine::Settle& settle, Instant now) {
  MailRecipient* recipient = find_recipient(settle.message, settle.recipient);
  if (recipient == nullptr || is_final(recipient->live)) {
    rules_.broken(now, settle.message.value, settle.recipient, "ended twice");
    return false;
  }
  check_end(settle, *recipient, now);
  if (recipient->is_in_flight) {
    rules_.broken(now, settle.message.value, settle.recipient, "ended while it is on its way");
  }
  recipient->live = settle.disposition;
  Mail& mail = *find_mail(settle.message);
  --mail.unsettled;
  --unsettled_;
  if (settle.message_finished != (mail.unsettled == 0)) {
    rules_.broken(now, settle.message.value, settle.recipient,
                  mail.unsettled == 0 ? "the message's last end did not finish it"
                                      : "the message was finished with recipients left");
  }
  lazy_.push_back({settle.message,
                   {},
                   settle.recipient,
                   settle.attempts,
                   settle.reply.code,
                   settle.disposition,
                   mail.unsettled == 0});
  return true;
}

void VirtualSpool::received(MessageId id, std::uint16_t index, Instant now) {
  MailRecipient* recipient = find_recipient(id, index);
  if (recipient == nullptr || recipient->live == Disposition::delivered) {
    rules_.broken(now, id.value, index, "delivered again after its delivery was recorded");
    return;
  }
  if (was_told(*recipient, id, index, "delivered again", now)) return;
  if (recipient->receptions > 0) {
    if (recipient->was_forgotten) {
      recipient->was_forgotten = false;
      ++crash_duplicates_;
    } else {
      ++lost_replies_;
    }
  }
  if (recipient->receptions < 0xFF) ++recipient->receptions;
}

void VirtualSpool::apply(const Lazy& lazy) {
  MailRecipient& recipient = *find_recipient(lazy.id, lazy.recipient);
  recipient.durable = lazy.disposition;
  recipient.attempts = lazy.attempts;
  recipient.reply_code = lazy.reply_code;
  recipient.due = lazy.due;
  if (!lazy.finishes) return;
  find_mail(lazy.id)->is_gone = true;
  std::unique_ptr<Chunk>& chunk = chunks_[(lazy.id.value - 1) >> chunk_bits];
  if (++chunk->gone == chunk_size) chunk.reset();
}

std::size_t VirtualSpool::flush() {
  const std::size_t count = lazy_.size();
  for (const Lazy& lazy : lazy_) apply(lazy);
  lazy_.clear();
  return count;
}

std::vector<engine::Settle> VirtualSpool::crash() {
  std::vector<engine::Settle> forgotten;
  for (const Lazy& lazy : lazy_) {
    MailRecipient& recipient = *find_recipient(lazy.id, lazy.recipient);
    if (is_final(recipient.live) && !is_final(recipient.durable)) {
      ++find_mail(lazy.id)->unsettled;
      ++unsettled_;
      forgotten.push_back(
          {.message = lazy.id, .recipient = lazy.recipient, .disposition = recipient.live});
    }
    recipient.live = recipient.durable;
  }
  lazy_.clear();
  dead_domains_.clear();
  for (const auto& chunk : chunks_) {
    if (chunk == nullptr) continue;
    for (MailRecipient& recipient : chunk->recipients) {
      recipient.is_in_flight = false;
      if (!is_final(recipient.durable)) recipient.was_told = recipient.may_bounce = false;
      if (recipient.receptions > 0 && !is_final(recipient.durable)) recipient.was_forgotten = true;
    }
  }
  return forgotten;
}

}  // namespace mailweir::simulate
