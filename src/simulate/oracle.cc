#include "simulate/oracle.h"

#include <algorithm>

namespace mailweir::simulate {

Oracle::Oracle(const Atlas& atlas, const Receivers& receivers, const Receivers& twins)
    : atlas_(atlas), receivers_(receivers), twins_(twins), flows_(atlas.providers()) {}

double Oracle::limit(std::uint16_t provider, std::uint16_t source, Instant now) const {
  const IpAddress& address = atlas_.source(source);
  return std::max(receivers_[provider]->limit(address, now), twins_[provider]->limit(address, now));
}

double Oracle::limit(std::uint16_t provider, Instant now) const {
  double sum = 0;
  for (std::uint16_t source = 0; source < atlas_.sources(); ++source)
    sum += limit(provider, source, now);
  return sum;
}

double Oracle::step(std::uint16_t provider, double seconds, double accepted, double per_message,
                    double at_end) {
  Flow& flow = flows_[provider];
  const double room = (flow.limit + at_end) / 2 * seconds * per_message;
  flow.limit = at_end;
  flow.queued += accepted;
  const double delivered = std::min(flow.queued, room);
  flow.queued -= delivered;
  return delivered;
}

}  // namespace mailweir::simulate
