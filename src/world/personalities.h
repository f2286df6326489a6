// The ready-made receivers, by family. Their numbers: docs/receiver-models.md.
#pragma once

#include <vector>

#include "world/personality.h"

namespace mailweir::world {

std::vector<ReceiverSpec> provider_personalities();
// One mechanism each, with the constants a rate controller is tried against, and the noise that it
// must not take for throttling.
std::vector<ReceiverSpec> drill_personalities();

}  // namespace mailweir::world
