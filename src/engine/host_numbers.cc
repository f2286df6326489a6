#include "engine/host_numbers.h"

namespace mailweir::engine {
namespace {

constexpr Duration stale_after = std::chrono::hours(6);
constexpr int looked_at = 2;  // for each new one: the hand overtakes growth

std::uint64_t hash_of(std::uint32_t provider, std::string_view name) {
  return mix(hash_text(name) ^ provider);
}

}  // namespace

std::uint32_t HostNumbers::intern(std::uint32_t provider, std::string_view name, Instant now,
                                  std::vector<std::uint32_t>& freed) {
  const std::uint64_t hash = hash_of(provider, name);
  std::uint32_t number = index_.find(hash, [&](std::uint32_t i) {
    return entries_[i].provider == provider && entries_[i].name == name;
  });
  if (number == no_index) {
    if (free_.empty()) {
      number = static_cast<std::uint32_t>(entries_.size());
      entries_.emplace_back();
    } else {
      number = free_.back();
      free_.pop_back();
    }
    entries_[number] = {.name = std::string(name), .provider = provider, .met_at = now};
    index_.insert(hash, number);
    free_stale(now, freed);
  }
  entries_[number].met_at = now;
  return number;
}

void HostNumbers::free_stale(Instant now, std::vector<std::uint32_t>& freed) {
  for (int i = 0; i < looked_at; ++i) {
    hand_ = (hand_ + 1) % static_cast<std::uint32_t>(entries_.size());
    Entry& entry = entries_[hand_];
    if (entry.provider == no_index || now - entry.met_at < stale_after) continue;
    index_.erase(hash_of(entry.provider, entry.name), hand_);
    entry.provider = no_index;
    free_.push_back(hand_);
    freed.push_back(hand_);
  }
}

}  // namespace mailweir::engine
