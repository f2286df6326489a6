// What of the configuration the engine is told.
#pragma once

#include "config/config.h"
#include "engine/engine_config.h"

namespace mailweir::config {

// `config` is complete. Caps overrides come most specific first, each with everything it inherits
// filled in; where an entry for a provider alone and one for a source alone meet, an override for
// both is made, in which the provider's entry wins.
engine::EngineConfig engine_config(const Config& config);

}  // namespace mailweir::config
