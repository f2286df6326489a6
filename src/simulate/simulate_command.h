// `mailweir simulate`: plays scenarios and says what came of them (docs/simulator.md).
#pragma once

#include <string>
#include <vector>

namespace mailweir::simulate {

// `arguments`: those behind the command's name; `language`: "en" or "ja". Returns the exit code of
// docs/cli.md: 0 passed; 1 a rule broken, an expectation not met, or a file that cannot be written;
// 2 the command line; 5 a wrong scenario.
int run_command(const std::vector<std::string>& arguments, const std::string& language);

}  // namespace mailweir::simulate
