// The guard against DNS rebinding: a page in somebody's browser may make its own name resolve to
// 127.0.0.1, but the browser then sends that name as Host. Over TCP only names of this machine are
// answered.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mailweir::console {

// `host` is the Host field, with or without port. Allowed are "localhost", loopback addresses, and
// `names` (compared without case).
bool is_host_allowed(std::string_view host, const std::vector<std::string>& names);

}  // namespace mailweir::console
