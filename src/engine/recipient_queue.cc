#include "engine/recipient_queue.h"

#include <tuple>

#include "base/assert.h"

namespace mailweir::engine {
namespace {

Instant deadline_of(const Ledger& ledger, std::uint32_t r) {
  return ledger.messages[ledger.recipients[r].message].deadline();
}

bool before(const Ledger& ledger, std::uint32_t a, std::uint32_t b) {
  const auto key = [&](std::uint32_t r) {
    const Recipient& recipient = ledger.recipients[r];
    const Message& message = ledger.messages[recipient.message];
    return std::tuple(message.deadline(), recipient.due, message.id, recipient.index);
  };
  return key(a) < key(b);
}

// --- pairing heap; in it `links.prev` is the elder sibling (or the parent of a first child),
// `links.next` the younger sibling

std::uint32_t meld(Slab<Recipient>& table, const Ledger& ledger, std::uint32_t a, std::uint32_t b) {
  if (a == no_index) return b;
  if (b == no_index) return a;
  if (before(ledger, b, a)) std::swap(a, b);
  const std::uint32_t child = table[a].heap_child;
  table[b].links = Links{a, child};
  if (child != no_index) table[child].links.prev = b;
  table[a].heap_child = b;
  return a;
}

// Melds a chain of siblings into one heap: in pairs from the left, the results from the right.
std::uint32_t meld_siblings(Slab<Recipient>& table, const Ledger& ledger, std::uint32_t first) {
  std::uint32_t pairs = no_index;  // linked through `next`, last pair first
  while (first != no_index) {
    const std::uint32_t second = table[first].links.next;
    const std::uint32_t rest = second == no_index ? no_index : table[second].links.next;
    table[first].links = Links{};
    if (second != no_index) table[second].links = Links{};
    const std::uint32_t pair = meld(table, ledger, first, second);
    table[pair].links.next = pairs;
    pairs = pair;
    first = rest;
  }
  std::uint32_t root = no_index;
  while (pairs != no_index) {
    const std::uint32_t next = table[pairs].links.next;
    table[pairs].links = Links{};
    root = meld(table, ledger, root, pairs);
    pairs = next;
  }
  return root;
}

void heap_erase(Slab<Recipient>& table, const Ledger& ledger, std::uint32_t& root,
                std::uint32_t r) {
  const std::uint32_t orphans = meld_siblings(table, ledger, table[r].heap_child);
  const Links links = table[r].links;
  if (r == root) {
    root = orphans;
  } else {
    Recipient& before_it = table[links.prev];
    (before_it.heap_child == r ? before_it.heap_child : before_it.links.next) = links.next;
    if (links.next != no_index) table[links.next].links.prev = links.prev;
    root = meld(table, ledger, root, orphans);
  }
  table[r].links = Links{};
  table[r].heap_child = no_index;
  table[r].in_heap = false;
}

}  // namespace

void RecipientQueue::push(Ledger& ledger, std::uint32_t r) {
  ++size_;
  if (line_.empty() || deadline_of(ledger, line_.last) <= deadline_of(ledger, r)) {
    list::push_back(ledger.recipients, &Recipient::links, line_, r);
    return;
  }
  ledger.recipients[r].in_heap = true;
  heap_ = meld(ledger.recipients, ledger, heap_, r);
}

void RecipientQueue::push_again(Ledger& ledger, std::uint32_t r) {
  if (!line_.empty() && deadline_of(ledger, line_.first) < deadline_of(ledger, r)) {
    push(ledger, r);
    return;
  }
  ++size_;
  list::push_front(ledger.recipients, &Recipient::links, line_, r);
}

std::uint32_t RecipientQueue::first(const Ledger& ledger) const {
  WEIR_ASSERT(size_ > 0);
  if (heap_ == no_index) return line_.first;
  if (line_.empty()) return heap_;
  return deadline_of(ledger, heap_) < deadline_of(ledger, line_.first) ? heap_ : line_.first;
}

std::uint32_t RecipientQueue::least(const Ledger& ledger) const {
  constexpr int looked_at = 12;
  // A message that is refused for its own sake must not ask for ever: each refusal weighs as much
  // as eight times the size.
  const auto weight = [&](std::uint32_t r) {
    const Recipient& recipient = ledger.recipients[r];
    return ledger.messages[recipient.message].magnitude + 3 * recipient.refusals;
  };
  std::uint32_t best = first(ledger);
  std::uint32_t r = line_.first;
  for (int i = 0; i < looked_at && r != no_index; ++i) {
    if (weight(r) < weight(best)) best = r;
    r = ledger.recipients[r].links.next;
  }
  return best;
}

void RecipientQueue::erase(Ledger& ledger, std::uint32_t r) {
  WEIR_ASSERT(size_ > 0);
  --size_;
  if (ledger.recipients[r].in_heap) {
    heap_erase(ledger.recipients, ledger, heap_, r);
  } else {
    list::erase(ledger.recipients, &Recipient::links, line_, r);
  }
}

std::uint32_t RecipientQueue::count_messages(const Ledger& ledger, std::uint32_t limit) const {
  std::uint32_t count = heap_ == no_index ? 0 : 1;
  std::uint32_t message = no_index;
  for (std::uint32_t r = line_.first; r != no_index && count <= limit;
       r = ledger.recipients[r].links.next) {
    if (ledger.recipients[r].message != message) ++count;
    message = ledger.recipients[r].message;
  }
  return count;
}

}  // namespace mailweir::engine
