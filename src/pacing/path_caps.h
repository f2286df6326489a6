// Fixed limits of an EgressPath (source IP × provider). The operator's caps: a learning pacer works
// below them, never above.
#pragma once

#include <cstdint>
#include <optional>

#include "base/units.h"

namespace mailweir::pacing {

struct PathCaps {
  std::uint32_t connections_max = 20;
  std::uint32_t messages_per_connection_max = 100;  // then the session is closed with QUIT
  std::optional<Rate> message_rate;                 // transactions started; none: unlimited
  std::optional<Rate> connection_rate;              // connections opened; none: unlimited
};

}  // namespace mailweir::pacing
