#include "engine/order.h"

#include <algorithm>
#include <iterator>
#include <limits>

namespace mailweir::engine {

std::vector<RouteFound::Host> hosts_to_try(const OpenSession& order) {
  constexpr auto last_resort = std::numeric_limits<std::uint16_t>::max();
  const auto is_put_last = [&](const RouteFound::Host& host) {
    return std::ranges::find(order.put_last, host.name) != order.put_last.end();
  };
  std::vector<RouteFound::Host> hosts;
  std::ranges::remove_copy_if(order.next_hop->hosts, std::back_inserter(hosts), is_put_last);
  for (const RouteFound::Host& host : order.next_hop->hosts) {
    if (is_put_last(host)) hosts.push_back({last_resort, host.name});
  }
  const auto first = std::ranges::find(hosts, order.first, &RouteFound::Host::name);
  if (order.first.empty() || first == hosts.end()) return hosts;
  for (RouteFound::Host& host : hosts) {
    if (host.preference < last_resort) ++host.preference;
  }
  first->preference = 0;
  std::rotate(hosts.begin(), first, first + 1);
  return hosts;
}

}  // namespace mailweir::engine
