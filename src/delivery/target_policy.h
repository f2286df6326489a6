// A TargetPolicy says which addresses mail found in DNS must not be sent to: DNS is written by
// strangers, and an MX that names loopback, a private network or ourselves would turn us against
// our own house, or into a mail loop. Pure; immutable.
#pragma once

#include <string_view>
#include <vector>

#include "base/networks.h"

namespace mailweir::delivery {

class TargetPolicy {
 public:
  // `own`: addresses of this machine.
  explicit TargetPolicy(std::vector<IpAddress> own);

  // Why mail must not go there, for a person; empty when it may.
  std::string_view refusal(const IpAddress& target) const;

 private:
  std::vector<IpAddress> own_;  // sorted
};

// The addresses of this machine's interfaces at this moment; those that cannot be read are left
// out.
std::vector<IpAddress> interface_addresses();

}  // namespace mailweir::delivery
