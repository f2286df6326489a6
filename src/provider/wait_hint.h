// The wait that a refusal names in its prose: "try again in 10 minutes", "retry after 300",
// "retry in 00:05:00", "10分後", "5 min 30 sec". A time of day ("resets at 14:00") is none: nothing
// here knows the time.
#pragma once

#include <string_view>

#include "base/time.h"

namespace mailweir::provider {

inline constexpr Duration wait_hint_max = std::chrono::hours(24);

// `folded` is FoldedText::view(). Zero: none named. A number that counts something else ("20
// messages per 60 minutes") is no wait. At most wait_hint_max.
Duration wait_hint(std::string_view folded);

}  // namespace mailweir::provider
