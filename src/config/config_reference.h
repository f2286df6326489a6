// docs/configuration.md, from the option table.
#pragma once

#include <string>

namespace mailweir::config {

std::string config_reference();

}  // namespace mailweir::config
