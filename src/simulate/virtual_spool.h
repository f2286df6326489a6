// The VirtualSpool keeps the mail of the virtual server: what was accepted, what the sender has
// recorded of it, and which of that a crash would leave.
//
// An accepted message is durable at once (the server answers 250 only then). States and ends ride
// with a later commit, as in spool::CommitQueue: until flush() a crash forgets them. It is also the
// book in which the checkers look up whether something was lost, or sent once too often.
// Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "engine/order.h"
#include "mail/stored_message.h"
#include "simulate/rules.h"

namespace mailweir::simulate {

struct MailRecipient {
  UnixTime due{};  // durable, as are the next three
  std::uint32_t domain = 0;
  std::uint16_t attempts = 0;
  std::uint16_t reply_code = 0;
  Disposition durable = Disposition::queued;
  Disposition live = Disposition::queued;  // as the running server knows it
  std::uint8_t receptions = 0;             // how often the receiver has taken it
  bool is_in_flight : 1 = false;
  bool was_forgotten : 1 = false;  // a crash forgot that it was delivered
  bool may_bounce : 1 = false;     // what it was told last is for good
  bool was_told : 1 = false;       // the running sender has read the 250 to its content
};

struct Mail {
  Instant accepted{};
  Instant expires = never;            // as the running sender was told
  UnixTime received_at{};             // wall clock
  std::uint32_t first_recipient = 0;  // in its chunk
  std::uint16_t recipients = 0;
  std::uint16_t unsettled = 0;
  std::uint16_t workload = 0;
  std::uint16_t tenant = 0;
  std::uint8_t message_class = 0;
  bool is_unwanted = false;
  bool is_gone = false;  // durably: all ends recorded, or removed
};

class VirtualSpool {
 public:
  // Borrows `rules`.
  explicit VirtualSpool(Rules& rules) : rules_(rules) {}

  // `mail` but for its recipients; one for each of `domains`.
  MessageId accept(Mail mail, const std::vector<std::uint32_t>& domains);

  // Null: unknown, or gone for good.
  const Mail* find(MessageId id) const;
  const MailRecipient& recipient(MessageId id, std::uint16_t index) const;

  // --- what the sender does
  void start(const engine::StartTransaction& order, Instant now);
  // What the sender is about to be told: of a message, a domain without a route, a transaction.
  void tell(MessageId id, Instant expires) { find_mail(id)->expires = expires; }
  void route_failed(std::uint32_t domain, engine::Failure failure);
  void finish(const engine::TransactionDone& done);
  void record(const engine::RecordState& state, UnixTime due, Instant now);
  // False: it had ended before.
  bool settle(const engine::Settle& settle, Instant now);
  // What a receiver's 250 after the final dot does.
  void received(MessageId id, std::uint16_t recipient, Instant now);

  // --- durability
  bool has_lazy() const { return !lazy_.empty(); }
  std::size_t flush();  // returns how many records
  // Forgets what was not flushed; returns the ends among it.
  std::vector<engine::Settle> crash();
  // Calls `restore(MessageId, const Mail&, std::span<const MailRecipient>)` for every message that
  // has not ended, in the order of acceptance.
  template <class Restore>
  void restore(Restore restore);

  // --- the books
  std::uint64_t messages() const { return next_id_ - 1; }
  std::uint64_t unsettled() const { return unsettled_; }  // recipients
  std::uint64_t crash_duplicates() const { return crash_duplicates_; }
  std::uint64_t lost_replies() const { return lost_replies_; }

 private:
  static constexpr unsigned chunk_bits = 12;
  static constexpr std::uint64_t chunk_size = 1ULL << chunk_bits;
  struct Chunk {
    std::array<Mail, chunk_size> mails;
    std::vector<MailRecipient> recipients;
    std::uint32_t issued = 0;
    std::uint32_t gone = 0;
  };
  struct Lazy {
    MessageId id;
    UnixTime due{};
    std::uint16_t recipient = 0;
    std::uint16_t attempts = 0;
    std::uint16_t reply_code = 0;
    Disposition disposition = Disposition::queued;
    bool finishes = false;
  };

  Chunk* chunk_of(MessageId id) const;
  Mail* find_mail(MessageId id) const;
  MailRecipient* find_recipient(MessageId id, std::uint16_t index) const;
  void apply(const Lazy& lazy);
  void check_end(const engine::Settle& settle, const MailRecipient& recipient, Instant now);
  // True, and a rule is broken: it was told of the delivery, so `what` may not happen any more.
  bool was_told(const MailRecipient& recipient, MessageId id, std::uint16_t index,
                std::string_view what, Instant now);

  Rules& rules_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::vector<Lazy> lazy_;
  std::set<std::uint32_t> dead_domains_;  // the running sender knows: no route, for good
  std::uint64_t next_id_ = 1;
  std::uint64_t unsettled_ = 0;
  std::uint64_t crash_duplicates_ = 0;
  std::uint64_t lost_replies_ = 0;
};

template <class Restore>
void VirtualSpool::restore(Restore restore) {
  for (std::size_t c = 0; c < chunks_.size(); ++c) {
    if (chunks_[c] == nullptr) continue;
    Chunk& chunk = *chunks_[c];
    for (std::uint32_t i = 0; i < chunk.issued; ++i) {
      Mail& mail = chunk.mails[i];
      if (mail.is_gone) continue;
      restore(
          MessageId{(c << chunk_bits) + i + 1}, std::as_const(mail),
          std::span<const MailRecipient>(&chunk.recipients[mail.first_recipient], mail.recipients));
    }
  }
}

}  // namespace mailweir::simulate
