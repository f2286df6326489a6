#include "pacing/suspicion.h"

#include <algorithm>

namespace mailweir::pacing {
namespace {

// The unclear share is tested for six times what is normal.
constexpr float unclear_up = 1.791759F;  // ln 6
// No answer: half of the attempts rather than one in 200.
constexpr float silent_up = 4.60517F;     // ln (0.5 / 0.005)
constexpr float silent_down = 0.688135F;  // -ln (0.5 / 0.995)
constexpr float silent_enough = 11.0F;    // three, with hardly a delivery between
constexpr float usual_least = 0.008F;
constexpr float usual_most = 0.083F;    // six times this is half
constexpr float pressed_most = 0.008F;  // baseline that is learned while a limit may be at work
constexpr float learning_gain = 1.0F / 800.0F;  // of an attempt

}  // namespace

float Suspicion::usual() const {
  return std::clamp(1.5F * baseline_, usual_least, usual_most);
}

void Suspicion::on_accepted(Lesson lesson) {
  const float share = usual();
  unclear_ = std::max(0.0F, unclear_ - 5.0F * share / (1.0F - share));
  silent_ = std::max(0.0F, silent_ - silent_down);
  const bool learns =
      lesson == Lesson::plain || (lesson == Lesson::pressed && baseline_ <= pressed_most);
  if (learns) baseline_ -= learning_gain * baseline_;
}

bool Suspicion::on_unclear(float weight, Lesson lesson, float enough) {
  // Of a limit that is met now and then only so much is taken for noise.
  const bool learns =
      lesson == Lesson::plain || (lesson == Lesson::pressed && baseline_ < pressed_most);
  if (learns) baseline_ += learning_gain * (weight - baseline_);
  unclear_ += weight * unclear_up;
  // The more of it is normal, the more often chance puts a few of them in a row.
  return unclear_ >= enough * (1.0F + 10.0F * (usual() - usual_least));
}

bool Suspicion::on_silent() {
  silent_ += silent_up;
  return silent_ >= silent_enough;
}

void Suspicion::clear() {
  // What told of a limit is not what is normal; on_false_alarm() makes up for it.
  baseline_ = std::max(0.0F, baseline_ - learning_gain * unclear_ / unclear_up);
  unclear_ = silent_ = 0;
}

void Suspicion::on_false_alarm() {
  baseline_ = std::min(0.08F, 1.2F * baseline_ + 0.002F);
}

}  // namespace mailweir::pacing
