#include "engine/recalled.h"

#include <utility>

#include "engine/kept_image.h"

namespace mailweir::engine {

std::optional<Recalled> recall(std::string_view image, Instant as_of,
                               const pacing::LearningSettings& settings, const Present& present,
                               Instant now) {
  KeptImage kept = split_image(image, as_of);
  auto restored = pacing::PathController::restore(kept.controller, settings, now - as_of, now);
  if (!restored) return std::nullopt;
  Recalled recalled{*restored, {}};
  if (kept.last) recalled.last = std::move(*kept.last);
  if (present.controller == nullptr) return recalled;
  recalled.controller.succeed(*present.controller, now);
  const bool is_shut = present.controller->mode() != pacing::Mode::open;
  if (is_shut && present.last != nullptr && present.last->at > recalled.last.at)
    recalled.last = *present.last;
  return recalled;
}

}  // namespace mailweir::engine
