// The Oracle is a sender that knows the hidden limits and never trips one: mail flows as a fluid,
// as fast as the providers allow. What it would have delivered is what a real sender is held
// against.
//
// It sends to twins of the receivers, which nobody else sends to (the scenario's own trips and
// blocks strike them too): what is counted there, a day's quota or a warm-up, counts for it. Where
// a receiver itself would let more flow at this moment than its twin, it believes the receiver.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/time.h"
#include "simulate/atlas.h"
#include "world/receiver.h"

namespace mailweir::simulate {

class Oracle {
 public:
  using Receivers = std::vector<std::unique_ptr<world::Receiver>>;

  // Borrows all.
  Oracle(const Atlas& atlas, const Receivers& receivers, const Receivers& twins);

  // Messages/s that all sources together, or one, may send to the provider now.
  double limit(std::uint16_t provider, Instant now) const;
  double limit(std::uint16_t provider, std::uint16_t source, Instant now) const;

  // One step of `span` is over, in which `accepted` recipients came, `per_message` to a message.
  // Returns how many it delivers in it.
  double step(std::uint16_t provider, Duration span, double accepted, double per_message,
              Instant now);

 private:
  struct Flow {
    double queued = 0;          // recipients
    std::vector<double> owing;  // by source: parts of a message the twin was not told of yet
  };

  double room(std::uint16_t provider, std::uint16_t source, Duration span, Instant now) const;

  const Atlas& atlas_;
  const Receivers& receivers_;
  const Receivers& twins_;
  std::vector<Flow> flows_;
  std::vector<double> rooms_;  // scratch, by source
};

}  // namespace mailweir::simulate
