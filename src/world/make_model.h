// The model that parameters describe.
#pragma once

#include <memory>

#include "world/model.h"
#include "world/parameters.h"

namespace mailweir::world {

std::unique_ptr<Model> make_model(const ModelParameters& parameters, std::uint64_t seed,
                                  Instant start);

}  // namespace mailweir::world
