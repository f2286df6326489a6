// The page at `/`: says what answers here and where to look, in English and Japanese, without
// scripts.
#pragma once

#include "console/http_message.h"

namespace mailweir::console {

Response front_page();

}  // namespace mailweir::console
