// The order of ready recipients within one lane and next hop: earliest deadline first, then first
// come, first served.
//
// A line sorted by deadline serves the usual case, in which deadlines come in rising order (or
// there are none), in O(1); what comes out of order goes to a pairing heap beside it, in O(log n)
// amortized. Both are linked through the recipients.
#pragma once

#include <cstdint>

#include "engine/ledger.h"

namespace mailweir::engine {

class RecipientQueue {
 public:
  std::uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  void push(Ledger& ledger, std::uint32_t recipient);
  // Back to where it was taken from: before all with the same or a later deadline.
  void push_again(Ledger& ledger, std::uint32_t recipient);
  std::uint32_t first(const Ledger& ledger) const;  // not empty
  // What had best be refused of the first dozen: a small message that was not refused often, the
  // earliest of equals; not empty.
  std::uint32_t least(const Ledger& ledger) const;
  void erase(Ledger& ledger, std::uint32_t recipient);

  // The number of messages at the front of the line, counted until it exceeds `limit`; recipients
  // of one message that stand together count once, as they share a transaction.
  std::uint32_t count_messages(const Ledger& ledger, std::uint32_t limit) const;

 private:
  ListEnds line_;
  std::uint32_t heap_ = no_index;
  std::uint32_t size_ = 0;
};

}  // namespace mailweir::engine
