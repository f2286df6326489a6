// The guard against DNS rebinding: a page in somebody's browser may make its own name resolve to
// our address, but the browser then sends that name as Host. An address as Host cannot be rebound.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mailweir::console {

// `host` is the Host field, with or without port. Allowed are "localhost", every IP address, and
// `names` (compared without case).
bool is_host_allowed(std::string_view host, const std::vector<std::string>& names);

}  // namespace mailweir::console
