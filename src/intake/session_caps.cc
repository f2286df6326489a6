#include "intake/session_caps.h"

#include <array>

#include "base/assert.h"

namespace mailweir::intake {
namespace {

IpAddress counted_as(const IpAddress& client) {
  if (client.is_ipv4()) return client;
  std::array<std::uint8_t, 16> prefix{};
  for (std::size_t i = 0; i < 8; ++i)
    prefix[i] = static_cast<std::uint8_t>(client.high() >> (56 - 8 * i));
  return IpAddress::from_ipv6(prefix);
}

}  // namespace

SessionCaps::Verdict SessionCaps::enter(const IpAddress& client, Limits limits) {
  const std::lock_guard lock(mutex_);
  if (limits.sessions_max != 0 && open_ >= limits.sessions_max) return Verdict::too_many;
  const auto entry = by_client_.try_emplace(counted_as(client), 0).first;
  if (limits.sessions_per_address_max != 0 && entry->second >= limits.sessions_per_address_max) {
    return Verdict::too_many_from_address;
  }
  ++entry->second;
  ++open_;
  return Verdict::admitted;
}

void SessionCaps::leave(const IpAddress& client) {
  const std::lock_guard lock(mutex_);
  const auto entry = by_client_.find(counted_as(client));
  WEIR_ASSERT(entry != by_client_.end() && entry->second > 0 && open_ > 0);
  if (--entry->second == 0) by_client_.erase(entry);
  --open_;
}

std::size_t SessionCaps::open() const {
  const std::lock_guard lock(mutex_);
  return open_;
}

}  // namespace mailweir::intake
