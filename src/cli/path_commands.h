// What the commands about paths do once their options are known. For path_options.cc only.
#pragma once

#include <cstdint>
#include <string>

#include "cli/commands.h"

namespace mailweir::cli {

struct PathListOptions {
  std::string source;
  std::string provider;
  std::uint32_t rows = 100;
};

struct HandOptions {
  std::string action;  // pause, cap, slow, resume, forget
  std::string source;
  std::string provider;
  std::string rate;
  std::uint32_t connections = 0;  // 0: not given
  std::string lasts;
  std::string reason;
};

struct UndoOptions {
  std::string id;
  std::string reason;
};

struct ExplainOptions {
  std::string target;
  std::vector<std::string> path;  // source, provider; empty: the target
};

int list_paths(const Context& context, const PathListOptions& options);
int list_hands(const Context& context);
int lay_hand(const Context& context, const HandOptions& options);
int undo_hand(const Context& context, const UndoOptions& options);
int explain(const Context& context, const ExplainOptions& options);
int list_unknown_refusals(const Context& context);

}  // namespace mailweir::cli
