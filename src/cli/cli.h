// The `mailweir` command: everything but the server itself, which the program that calls run()
// brings along.
//
// Commands talk to a running server over its Unix socket; `config check` needs none. Exit codes and
// output are docs/cli.md.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/environment.h"

namespace mailweir::cli {

// What a command line has in common; passed to the commands the program brings along.
struct Invocation {
  std::string config_file;             // --config; empty: the default place
  std::vector<std::string> arguments;  // those behind the command's name that run() does not know
  std::string language;                // of what people read: "en" or "ja"
};

struct ConfigReport {
  bool is_valid = false;
  std::string
      text;  // errors and warnings for a person, ending in a newline; may be empty when valid
  std::string file;            // the file looked at; empty: built-in defaults
  bool is_unreadable = false;  // the file is not there, or cannot be read
};

// A command that is carried out in this process, as `serve` and `sink`.
struct LocalCommand {
  std::string name;
  std::string summary;
  std::function<int(const Invocation&)> run;  // returns the exit code
  bool explains_itself = false;               // it has all its options: --help and --config too
};

struct Program {
  std::string version;
  std::vector<LocalCommand> commands;
  // Reads a configuration without using it; an empty name means the default place.
  std::function<ConfigReport(const std::string& file)> check_config;
  // The admin socket a configuration names; empty when it has mistakes, an error when the file
  // cannot be read. `file` as for check_config.
  std::function<Result<std::string>(const std::string& file)> find_socket;
};

enum ExitCode : int {
  exit_ok = 0,
  exit_failure = 1,      // anything not below
  exit_usage = 2,        // the command line is wrong
  exit_unreachable = 3,  // no server answers at the socket
  exit_not_found = 4,    // no such message
  exit_refused = 5,      // the server, or the check of a configuration, says no
};

// Runs the command line and returns the exit code.
int run(int argc, const char* const* argv, const Program& program, const Environment& environment);

}  // namespace mailweir::cli
