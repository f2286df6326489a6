// Writing a Config as TOML that reads back to the same Config.
#pragma once

#include <cstdint>
#include <string>

#include "config/config.h"

namespace mailweir::config {

enum class Extent : std::uint8_t {
  everything,
  non_default
};  // the latter: only what differs from the embedded defaults

// `config` is complete; `system_hostname` is what the default of `hostname` would be.
std::string show_config(const Config& config, Extent extent, const std::string& system_hostname);

}  // namespace mailweir::config
