// A pattern of MX host names: a leading `*.` stands for one or more labels, `?` for one character
// other than a dot.
#pragma once

#include <string>
#include <string_view>

namespace mailweir::provider {

// Why `pattern` cannot be used, for a person; empty when it can.
std::string_view mx_pattern_flaw(std::string_view pattern);

// `host` is lower-case, without a trailing dot; `pattern` has no flaw.
bool mx_pattern_matches(std::string_view pattern, std::string_view host);

}  // namespace mailweir::provider
