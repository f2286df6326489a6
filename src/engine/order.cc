#include "engine/order.h"

#include <algorithm>
#include <limits>

namespace mailweir::engine {

std::vector<RouteFound::Host> hosts_to_try(const OpenSession& order) {
  std::vector<RouteFound::Host> hosts = order.next_hop->hosts;
  const auto is_left_out = [&](const RouteFound::Host& host) {
    return host.name != order.first &&
           std::ranges::find(order.left_out, host.name) != order.left_out.end();
  };
  if (!std::ranges::all_of(hosts, is_left_out)) std::erase_if(hosts, is_left_out);
  const auto first = std::ranges::find(hosts, order.first, &RouteFound::Host::name);
  if (order.first.empty() || first == hosts.end()) return hosts;
  for (RouteFound::Host& host : hosts) {
    if (host.preference < std::numeric_limits<std::uint16_t>::max()) ++host.preference;
  }
  first->preference = 0;
  std::rotate(hosts.begin(), first, first + 1);
  return hosts;
}

}  // namespace mailweir::engine
