// What each command does once its options are known. For cli.cc only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/cli.h"
#include "cli/present.h"

namespace mailweir::cli {

struct Context {
  const Environment& environment;
  const Program& program;
  Style style;
  std::string socket;
  std::string config_file;
  bool json = false;  // print the server's JSON as it comes
};

// Which waiting recipients; empty members match anything.
struct Filter {
  std::string provider;
  std::string domain;
  std::string message_class;
  std::string tenant;
  std::string campaign;
  std::string state;

  bool is_empty() const {
    return provider.empty() && domain.empty() && message_class.empty() && tenant.empty() &&
           campaign.empty() && state.empty();
  }
};

struct QueueOptions {
  std::string by = "provider";
  std::uint32_t rows = 100;
  bool list = false;
  Filter filter;
  std::string after;
  std::uint32_t count = 100;
};

struct ActOptions {
  std::string action;            // retry, hold, release, delete
  std::vector<std::string> ids;  // a single "-": from standard input
  bool all = false;
  Filter filter;
  bool dry_run = false;
  bool yes = false;
  std::string reason;
};

struct SendOptions {
  std::string file = "-";
  std::string from;
  std::vector<std::string> to;
  std::string message_class;
  std::string tenant;
  std::string campaign;
  std::string not_before;  // RFC 3339, or a duration from now
};

// After nothing matched: exit_not_found with a complaint where no such provider is known to the
// catalogue built in nor in use on a path; else exit_ok. A name with a dot is a domain's or an MX
// set's own, and may come and go.
int check_provider_name(const Context& context, const std::string& provider);

int show_status(const Context& context, std::uint32_t rows);
int show_queue(const Context& context, const QueueOptions& options);
int show_message(const Context& context, const std::string& id, bool content);
int show_trace(const Context& context, const std::string& id);
int act(const Context& context, const ActOptions& options);
int show_config(const Context& context, bool non_default);
int check_config(const Context& context, const std::string& file);
int reload_config(const Context& context);
int send(const Context& context, const SendOptions& options);

}  // namespace mailweir::cli
