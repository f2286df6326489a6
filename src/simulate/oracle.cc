#include "simulate/oracle.h"

#include <algorithm>
#include <cmath>

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

double Oracle::room(std::uint16_t provider, std::uint16_t source, Duration span,
                    Instant now) const {
  const IpAddress& address = atlas_.source(source);
  const double own = receivers_[provider]->limit(address, now);
  const double of_twin = twins_[provider]->room(address, span, now);
  if (own <= twins_[provider]->limit(address, now)) return of_twin;
  return std::max(of_twin, own * std::chrono::duration<double>(span).count());
}

// Every source has its part of the queue, by its room. The room is asked again before it is used:
// sources may share one.
double Oracle::step(std::uint16_t provider, Duration span, double accepted, double per_message,
                    Instant now) {
  Flow& flow = flows_[provider];
  flow.queued += accepted;
  if (flow.queued <= 0) return 0;
  flow.owing.resize(atlas_.sources());
  rooms_.resize(atlas_.sources());
  double all = 0;
  for (std::uint16_t source = 0; source < atlas_.sources(); ++source) {
    rooms_[source] = std::min(room(provider, source, span, now), flow.queued / per_message);
    all += rooms_[source];
  }
  if (all <= 0) return 0;
  const double wanted = std::min(flow.queued / per_message, all);
  double sent = 0;
  for (std::uint16_t source = 0; source < atlas_.sources(); ++source) {
    const double part = std::min(wanted * rooms_[source] / all, room(provider, source, span, now));
    double& owing = flow.owing[source];
    owing += part;
    const double whole = std::floor(owing);
    if (whole >= 1) {
      twins_[provider]->take(atlas_.source(source), static_cast<std::uint64_t>(whole), now);
      owing -= whole;
    }
    sent += part;
  }
  const double delivered = std::min(flow.queued, sent * per_message);
  flow.queued -= delivered;
  return delivered;
}

}  // namespace mailweir::simulate
