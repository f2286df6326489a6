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

}  // namespace

void Suspicion::on_accepted(bool learns) {
  const float usual = std::clamp(1.5F * baseline_, 0.008F, 0.083F);
  unclear_ = std::max(0.0F, unclear_ - 5.0F * usual / (1.0F - usual));
  silent_ = std::max(0.0F, silent_ - silent_down);
  if (learns) baseline_ -= baseline_ / 2000.0F;
}

bool Suspicion::on_unclear(float weight, bool learns, float enough) {
  if (learns || baseline_ < 0.01F) baseline_ += weight * 0.0005F;
  unclear_ += weight * unclear_up;
  return unclear_ >= enough;
}

bool Suspicion::on_silent() {
  silent_ += silent_up;
  return silent_ >= silent_enough;
}

void Suspicion::clear() {
  unclear_ = silent_ = 0;
}

void Suspicion::on_false_alarm() {
  baseline_ = std::min(0.08F, 1.5F * baseline_ + 0.003F);
}

}  // namespace mailweir::pacing
