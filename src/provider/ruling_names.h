// Categories and scopes read back from their names, as provider files write them.
#pragma once

#include <optional>
#include <string_view>

#include "provider/ruling.h"

namespace mailweir::provider {

std::optional<Category> parse_category(std::string_view text);
std::optional<Scope> parse_scope(std::string_view text);

}  // namespace mailweir::provider
