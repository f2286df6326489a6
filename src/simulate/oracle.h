// The Oracle is a sender that knows the hidden limits and never trips one: mail flows as a fluid,
// as fast as the providers allow. What it would have delivered is what a real sender is held
// against.
//
// It asks twins of the receivers, which nobody sends to (the scenario's own trips and blocks strike
// them too), and the receivers themselves, and believes the kinder. Not thread-safe.
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

  // One step of `seconds` is over, in which `accepted` recipients came, `per_message` to a message.
  // Returns how many it delivers in it; `at_end` is the limit now.
  double step(std::uint16_t provider, double seconds, double accepted, double per_message,
              double at_end);

 private:
  struct Flow {
    double queued = 0;
    double limit = 0;  // at the end of the last step
  };

  const Atlas& atlas_;
  const Receivers& receivers_;
  const Receivers& twins_;
  std::vector<Flow> flows_;
};

}  // namespace mailweir::simulate
