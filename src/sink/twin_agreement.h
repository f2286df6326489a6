// One seeded sequence of visits, run against a model directly and against its Twin over TCP, step
// by step: what a client would have to see against what it saw.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "intake/tls_identity.h"
#include "world/receiver.h"

namespace mailweir::sink {

struct Agreement {
  std::uint64_t steps = 0;
  std::uint64_t refusals = 0;  // steps that were not accepted
  std::uint64_t differences = 0;
  std::string first_difference;
};

// Both receivers must be made alike. `steps`: the sequence ends with the visit that reaches it.
Agreement compare_with_twin(std::unique_ptr<world::Receiver> model,
                            std::unique_ptr<world::Receiver> served, const intake::TlsIdentity& tls,
                            std::uint64_t seed, std::uint64_t steps);

}  // namespace mailweir::sink
