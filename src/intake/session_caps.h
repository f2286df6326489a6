// SessionCaps counts the sessions open in all and from each client address, and says when there are
// too many.
//
// An IPv6 client counts by its /64, which is what one customer gets. Thread-safe.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>

#include "base/networks.h"

namespace mailweir::intake {

class SessionCaps {
 public:
  struct Limits {
    std::size_t sessions_max = 0;              // 0: no limit
    std::size_t sessions_per_address_max = 0;  // 0: no limit
  };
  enum class Verdict : std::uint8_t { admitted, too_many, too_many_from_address };

  // Counts the session if it is admitted; then leave() must follow.
  Verdict enter(const IpAddress& client, Limits limits);
  void leave(const IpAddress& client);
  std::size_t open() const;

 private:
  mutable std::mutex mutex_;
  std::size_t open_ = 0;
  std::map<IpAddress, std::size_t> by_client_;
};

}  // namespace mailweir::intake
