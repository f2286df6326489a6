// The CanaryRecord keeps what the canaries of an episode brought. Where about half of them is
// accepted the path is neither open nor shut: then a trickle may go, spaced by what it brings. A
// value.
#pragma once

#include <cstdint>

#include "pacing/path_time.h"
#include "pacing/signal.h"

namespace mailweir::pacing {

class CanaryRecord {
 public:
  // A new episode of a path that ran at `pace`.
  void begin(float pace);
  // `age`: of the episode, in seconds.
  void note(bool is_accepted, float pace, double age);
  // After an hour of near-silence: does the rate matter at all?
  void tick(double age);

  bool is_partial() const;
  // Accepted often enough in a row to be believed.
  bool is_clear() const { return in_a_row_ >= 8; }
  // The least urgent rank that is worth its share of refusals, after so long a wait.
  Rank lowest(double age) const;
  double spacing(float pace, double age) const;  // of the trickle, in seconds
  double accepted_share() const;
  float rate() const { return rate_; }  // of the trickle, relative to the pace
  std::uint32_t refused() const { return refused_; }
  std::uint32_t accepted() const { return accepted_; }
  void note_relapse();

  template <class Archive>
  void archive(Archive& a) {
    a(bits_), a(count_), a(accepted_), a(refused_), a(in_a_row_), a(spacing_), a(rate_), a(rated_),
        a(share_before_), a(is_rate_settled_);
  }

 private:
  float base_spacing(float pace, double age) const;

  std::uint16_t bits_ = 0;  // the last outcomes, the latest lowest; 1: accepted
  std::uint16_t count_ = 0;
  std::uint16_t accepted_ = 0;
  std::uint16_t refused_ = 0;      // canaries, or relapses of the ramp
  std::uint8_t in_a_row_ = 0;      // accepted
  std::uint8_t share_before_ = 0;  // accepted, in %, when the rate was raised; 0: it was not
  bool is_rate_settled_ = false;   // more of it was refused at a higher one
  float spacing_ = 60;
  float rate_ = 0.1F;   // of the trickle, relative to the pace
  PathSecond rated_{};  // age of the episode when the rate was changed
};

}  // namespace mailweir::pacing
