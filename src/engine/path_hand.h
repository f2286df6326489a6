// A PathHand is an operator's order about paths: pause them, or cap them below what is configured
// and learned. It holds until its time is over or it is taken back; several may meet on a path, and
// each binds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "base/units.h"

namespace mailweir::engine {

struct PathHand {
  enum class Action : std::uint8_t { pause, cap };

  std::uint64_t id = 0;  // the caller's, unique among those in force
  Action action = Action::pause;
  std::string source;        // its name; empty: every source
  std::string provider;      // its key; empty: every provider
  std::optional<Rate> rate;  // of a cap: messages started
  std::optional<std::uint32_t> connections;
  Instant until = never;
  std::string reason;
  std::string by;

  bool covers(std::string_view source_name, std::string_view provider_key) const {
    return (source.empty() || source == source_name) &&
           (provider.empty() || provider == provider_key);
  }
};
std::string_view to_string(PathHand::Action action);

}  // namespace mailweir::engine
