// The program: the commands of cli/, and those that run in this process.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include "cli/cli.h"
#include "config/load_config.h"
#include "server/serve.h"
#include "server/version.h"
#include "simulate/simulate_command.h"
#include "sink/sink_command.h"

namespace {

using namespace mailweir;

config::LoadResult load(const std::string& file) {
  return file.empty() ? config::load_default_config() : config::load_config(file);
}

// Why the file cannot be read; empty when it can.
std::string trouble_with(const std::string& file) {
  if (file.empty()) return {};
  std::error_code error;
  if (std::filesystem::is_directory(file, error))
    return fmt::format("cannot read {}: it is a folder", file);
  if (::access(file.c_str(), R_OK) == 0) return {};
  return fmt::format("cannot read {}: {}", file, std::generic_category().message(errno));
}

cli::ConfigReport check_config(const std::string& file) {
  const auto loaded = load(file);
  cli::ConfigReport report{.is_valid = loaded.has_value(), .file = file};
  report.is_unreadable = !trouble_with(file).empty();
  for (const config::Problem& problem : loaded ? loaded->warnings : loaded.error()) {
    report.text += config::to_string(problem) + "\n";
  }
  return report;
}

Result<std::string> find_socket(const std::string& file) {
  if (std::string trouble = trouble_with(file); !trouble.empty())
    return fail(Errc::io, std::move(trouble));
  const auto loaded = load(file);
  return loaded ? loaded->config.admin.socket : std::string();
}

int serve(const cli::Invocation& invocation) {
  if (!invocation.arguments.empty()) {
    fmt::print(stderr, "mailweir: serve takes no argument \"{}\"; it knows --config FILE\n",
               invocation.arguments.front());
    return cli::exit_usage;
  }
  return server::serve(invocation.config_file);
}

int sink_command(const cli::Invocation& invocation) {
  return sink::run_command(invocation.arguments, invocation.language);
}

int simulate_command(const cli::Invocation& invocation) {
  return simulate::run_command(invocation.arguments, invocation.language);
}

}  // namespace

int main(int argc, char** argv) {
  cli::Program program;
  program.version = server::version;
  program.check_config = check_config;
  program.find_socket = find_socket;
  program.commands = {
      {.name = "serve", .summary = "run the server in the foreground", .run = serve},
      {.name = "sink",
       .summary = "be a receiver that throttles as a mailbox provider does, for tests and drills",
       .run = sink_command,
       .explains_itself = true},
      {.name = "simulate",
       .summary = "play scenarios in virtual time: the engine against receivers that throttle",
       .run = simulate_command,
       .explains_itself = true}};
  return cli::run(argc, argv, program, cli::process_environment());
}
