// The cases of the lab: a receiver with hidden limits, the mail that is offered, and what a sender
// who knows them could do.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "pacing/path_controller.h"
#include "pacing_lab_ideal.h"
#include "world/personality.h"

namespace mailweir::lab {

// Every constant of a receiver passes through here.
class Constants {
 public:
  Constants() = default;                   // as they are
  explicit Constants(std::uint64_t seed);  // each times or by up to three

  double operator()(double value);

 private:
  bool varies_ = false;
  SeededRandom random_{0};
};

struct Arrival {
  Instant at{};
  pacing::Rank rank = pacing::Rank::bulk;
  std::uint16_t home = 0;  // index of the source
};

struct Case {
  std::string name;
  std::string load;
  world::ReceiverSpec receiver;
  std::uint64_t receiver_seed = 0;
  double unrecognized = 0.2;  // share of the refusals whose words say nothing
  std::size_t sources = 1;
  Duration horizon = std::chrono::hours(24);
  std::vector<Arrival> arrivals;
  std::vector<Ideals> ideals;                      // by source
  std::vector<pacing::LearningSettings> settings;  // by source
  // A warm-up plan: the ceilings of a day, by source.
  std::function<pacing::LearningSettings(double day)> plan;
};

struct Load {
  std::string_view name;
  double rate = 0.5;  // the nominal limit, messages/s
  double start_rate = 5.0;
};

inline constexpr std::string_view standard_cases[] = {
    "token",     "token-amb",   "slide1h", "conc5",  "penalty", "pen-reset", "pen-forced",
    "partial50", "partial-exo", "diurnal", "silent", "quota",   "step",      "noise"};
inline constexpr std::string_view special_cases[] = {"incident", "silent3", "broadcast",
                                                     "warm-good", "warm-bad"};

Case make_case(std::string_view name, const Load& load, std::uint64_t seed, Constants constants);

}  // namespace mailweir::lab
