// How the subcommands are declared. For cli.cc and the *_options.cc files only.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "cli/commands.h"

namespace CLI {
class App;
}

namespace mailweir::cli {

// The command chosen on the line, to be run when the whole line has been read.
struct Chosen {
  std::function<int(const Context&)> run;
  bool is_local = false;  // asks no server, so its socket need not be found

  Chosen& operator=(std::function<int(const Context&)> command) {
    run = std::move(command);
    return *this;
  }
};

// Commands own their options; `Keep` lends them a life as long as the parser's.
using Keep = std::vector<std::shared_ptr<void>>;

template <class Options>
Options& keep(Keep& kept) {
  auto options = std::make_shared<Options>();
  kept.push_back(options);
  return *options;
}

// `path`, `explain`, `unknown`, and `pause` and the like for short (path_options.cc).
void add_path_commands(CLI::App& app, Chosen& chosen, Keep& kept);

}  // namespace mailweir::cli
