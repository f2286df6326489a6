// The Load hands in mail: when the next message of a workload comes, and what it is. All that is
// drawn comes from the seed, each workload from a stream of its own, so that adding one changes
// no other. Not thread-safe.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "simulate/atlas.h"
#include "simulate/scenario.h"

namespace mailweir::simulate {

// A message to be.
struct Draft {
  std::uint8_t message_class = 0;
  std::uint16_t tenant = 0;  // index into the workload's
  bool is_unwanted = false;
  std::vector<std::uint32_t> domains;  // one for each recipient
};

class Load {
 public:
  // Borrows `scenario` and `atlas`. `limits`: what each provider can take at the start, messages/s.
  Load(const Scenario& scenario, const Atlas& atlas, const std::vector<double>& limits,
       Instant origin, std::uint64_t seed);

  // When the workload's first or next message comes; `never`: it is over.
  Instant next(std::size_t workload);
  // The message whose time has come.
  void draw(std::size_t workload, Draft& draft);

 private:
  // Draws an index in proportion to the weights.
  struct Choice {
    std::vector<double> sums;
    std::size_t draw(Random& random) const;
  };
  struct State {
    SeededRandom random{0};
    Choice classes;
    Choice tenants;
    Choice providers;
    std::vector<std::uint8_t> class_ids;
    std::vector<std::uint16_t> provider_ids;
    double per_us = 0;  // mean rate
    Instant clock{};    // of the last arrival drawn
    Instant end{};
    std::uint64_t done = 0;
  };

  Instant next_random(const Workload& workload, State& state) const;
  double stretch(const Workload& workload, Instant at) const;
  std::uint8_t class_id(std::string_view name) const;
  void choose_classes(const Workload& workload, State& state) const;
  void choose_providers(const Workload& workload, State& state,
                        const std::vector<double>& limits) const;

  const Scenario& scenario_;
  const Atlas& atlas_;
  Instant origin_;
  std::vector<State> states_;
};

}  // namespace mailweir::simulate
