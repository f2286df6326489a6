// DeliveryOptions as sessions use them: parsed once, shared, immutable.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <vector>

#include "delivery/delivery.h"
#include "delivery/target_policy.h"

namespace mailweir::delivery {

// One of our EgressAddresses: which families it can speak from, and bound to what.
struct Source {
  std::optional<boost::asio::ip::address> ipv4;  // none: the system chooses
  std::optional<boost::asio::ip::address> ipv6;
  bool speaks_ipv4 = false;
  bool speaks_ipv6 = false;
  std::string ehlo_name;
};

struct Settings {
  // An address of a source that does not parse makes the source unusable in that family.
  explicit Settings(DeliveryOptions given);

  DeliveryOptions options;
  std::vector<Source> sources;
  TargetPolicy targets;
};

}  // namespace mailweir::delivery
