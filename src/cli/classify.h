// `mailweir classify` and `mailweir catalogue`: they need no server.
#pragma once

#include <string>

#include "cli/commands.h"

namespace mailweir::cli {

struct ClassifyOptions {
  std::string reply;         // or a file; empty: from standard input
  std::string provider;      // a key
  std::string mx;            // or a host of it
  std::string phase;         // empty: as the input says, else rcpt
  std::string bounce_file;   // a bounce message
  std::string rules_folder;  // of the operator's own provider files
};

// 0; 1: an unreadable file; 2: no refusal in the input, or a provider or phase that does not exist.
int classify(const Context& context, const ClassifyOptions& options);
// Providers and how many rules each has. 1: the folder cannot be read.
int list_catalogue(const Context& context, const std::string& folder);
// What is wrong with the rules, with file and line: 1; nothing: 0.
int check_catalogue(const Context& context, const std::string& folder);

}  // namespace mailweir::cli
