// `mailweir sink`: a Twin of a personality, with its pages, until a signal ends it.
#pragma once

#include <string>
#include <vector>

namespace mailweir::sink {

// `language`: "en" or "ja". Returns the exit code: 0 after an orderly stop, 1 when it cannot start,
// 2 for a wrong command line.
int run_command(const std::vector<std::string>& arguments, const std::string& language);

}  // namespace mailweir::sink
