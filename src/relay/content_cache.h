// The ContentCache keeps a message in memory from its acceptance until its first attempts, so that
// the common case reads nothing from the disk. Bounded by bytes: what does not fit is read from the
// spool when its turn comes. Used from the relay's thread.
#pragma once

#include <memory>
#include <unordered_map>

#include "base/ids.h"
#include "base/units.h"
#include "delivery/delivery.h"

namespace mailweir::relay {

class ContentCache {
 public:
  using Entry = std::shared_ptr<const delivery::QueuedMessage>;

  explicit ContentCache(ByteCount bytes_max) : bytes_max_(bytes_max.value) {}

  void keep(Entry message) {
    const std::uint64_t cost = cost_of(*message);
    if (bytes_ + cost > bytes_max_) return;
    const MessageId id = message->message.id;
    if (entries_.emplace(id, std::move(message)).second) bytes_ += cost;
  }

  Entry find(MessageId id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : found->second;
  }

  void drop(MessageId id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    bytes_ -= cost_of(*found->second);
    entries_.erase(found);
  }

  std::uint64_t bytes() const { return bytes_; }

 private:
  static std::uint64_t cost_of(const delivery::QueuedMessage& message) {
    constexpr std::uint64_t envelope_estimate = 512;
    return envelope_estimate + (message.content ? message.content->size() : 0);
  }

  std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;
  std::unordered_map<MessageId, Entry> entries_;
};

}  // namespace mailweir::relay
