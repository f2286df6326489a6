// Environment is what surrounds a command: variables, standard streams, files. Tests put their own
// in its place.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mailweir::cli {

struct Environment {
  std::function<std::optional<std::string>(const char* name)> variable;
  std::function<void(std::string_view text)> out;
  std::function<void(std::string_view text)> err;
  std::function<Result<std::string>(const std::string& file)>
      read;                                // all of it; "-": standard input
  std::function<std::string()> read_line;  // from the terminal, without its newline
  bool out_is_terminal = false;
  bool in_is_terminal = false;
};

// That of this process.
Environment process_environment();

}  // namespace mailweir::cli
