// The kinds of models and the names of their parameters: what set_parameter() and the documents go
// by.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "world/parameters.h"

namespace mailweir::world {

struct Field {
  std::string_view name;
  std::string_view meaning;
  std::function<Result<void>(ModelParameters&, std::string_view)> write;
  std::function<std::string(const ModelParameters&)> read;
};

struct Kind {
  std::string_view name;
  std::string_view meaning;
  ModelParameters defaults;
  std::vector<Field> fields;
};

// One for each alternative of ModelParameters, in their order.
const std::vector<Kind>& kinds();

}  // namespace mailweir::world
