// The routes of the API about paths (docs/http-api.md#paths).
#pragma once

#include "console/path_port.h"
#include "console/router.h"

namespace mailweir::console {

// Borrows `port`, which outlives the router. Part of add_admin_routes().
void add_path_routes(Router& router, PathPort& port);

}  // namespace mailweir::console
