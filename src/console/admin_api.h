// The admin API: the routes under /api/v1, /metrics, /healthz, /readyz and the page at /, all
// answered by an AdminPort.
//
// The schema is docs/http-api.md: members are added, never changed or removed, within /api/v1.
#pragma once

#include <cstddef>

#include "console/admin_port.h"
#include "console/router.h"

namespace mailweir::console {

inline constexpr std::size_t submission_max = std::size_t{64} << 20;

// Adds every route. `port` is borrowed by the handlers.
void add_admin_routes(Router& router, AdminPort& port);

}  // namespace mailweir::console
