// The command lines of `path`, `explain` and `unknown`.
#include <CLI/CLI.hpp>

#include "cli/path_commands.h"
#include "cli/subcommand.h"

namespace mailweir::cli {
namespace {

struct HandCommand {
  const char* name;
  const char* summary;
};

constexpr HandCommand hand_commands[] = {
    {"pause", "send nothing there until it is resumed"},
    {"resume", "take back every pause within these paths"},
    {"slow", "cap at half of the present pace, or at --rate"},
    {"cap", "cap the rate, the connections, or both"},
    {"forget", "drop what was learned, as if the path were new; can be undone for 7 days"},
};

void add_hand(CLI::App& parent, const HandCommand& about, Chosen& chosen, Keep& kept) {
  auto& options = keep<HandOptions>(kept);
  options.action = about.name;
  CLI::App* command = parent.add_subcommand(about.name, about.summary);
  command->add_option("source", options.source, "our source by its name; '*': every one")
      ->required()
      ->type_name("");
  command
      ->add_option("provider", options.provider,
                   "the provider's key, or a domain that mail waits for; '*': every one")
      ->required()
      ->type_name("");
  command->add_option("--reason", options.reason, "why, for the event log and for colleagues")
      ->required()
      ->type_name("TEXT");
  const bool is_limit = options.action == "cap" || options.action == "slow";
  if (is_limit)
    command->add_option("--rate", options.rate, "messages started")->type_name("20/min");
  if (options.action == "cap") {
    command->add_option("--connections", options.connections, "sessions open at a time")
        ->check(CLI::Range(1, 100'000))
        ->type_name("N");
  }
  if (is_limit || options.action == "pause") {
    command->add_option("--for", options.lasts, "ends by itself [until it is taken back]")
        ->type_name("2h");
  }
  command->callback([&options, &chosen] {
    if (options.action == "cap" && options.rate.empty() && options.connections == 0)
      throw CLI::RequiredError("--rate or --connections");
    chosen = [&options](const Context& context) { return lay_hand(context, options); };
  });
}

void add_path_list(CLI::App& group, Chosen& chosen, Keep& kept) {
  auto& options = keep<PathListOptions>(kept);
  CLI::App* command = group.add_subcommand(
      "list", "every path in use: its state, pace, and last refusal; held ones first");
  command->add_option("--source", options.source, "only paths of this source")->type_name("NAME");
  command->add_option("--provider", options.provider, "only paths to this provider")
      ->type_name("KEY");
  command->add_option("--rows", options.rows, "paths shown [100]")
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  command->callback([&] {
    chosen = [&options](const Context& context) { return list_paths(context, options); };
  });
}

void add_undo(CLI::App& group, Chosen& chosen, Keep& kept) {
  auto& options = keep<UndoOptions>(kept);
  CLI::App* command =
      group.add_subcommand("undo", "take back a pause or cap, or that something was forgotten");
  command->add_option("id", options.id, "its id, as `path hands` gives it")
      ->required()
      ->type_name("");
  command->add_option("--reason", options.reason, "why, for the event log")->type_name("TEXT");
  command->callback(
      [&] { chosen = [&options](const Context& context) { return undo_hand(context, options); }; });
}

void add_path(CLI::App& app, Chosen& chosen, Keep& kept) {
  CLI::App* group =
      app.add_subcommand("path", "look at paths (source to provider), and act on them");
  group->require_subcommand(1);
  add_path_list(*group, chosen, kept);
  for (const HandCommand& about : hand_commands) add_hand(*group, about, chosen, kept);
  CLI::App* hands = group->add_subcommand(
      "hands", "the pauses and caps in force, and what was forgotten of late");
  hands->callback([&] { chosen = list_hands; });
  add_undo(*group, chosen, kept);
}

void add_explain(CLI::App& app, Chosen& chosen, Keep& kept) {
  auto& options = keep<ExplainOptions>(kept);
  CLI::App* command = app.add_subcommand(
      "explain", "why mail waits: what binds, since when, on which reply, and what comes next");
  auto* target =
      command->add_option("target", options.target, "a message id, a recipient, or a domain")
          ->type_name("");
  command->add_option("--path", options.path, "a path instead")
      ->expected(2)
      ->excludes(target)
      ->type_name("SOURCE PROVIDER");
  command->callback([&] {
    if (options.target.empty() && options.path.empty())
      throw CLI::RequiredError("a message id, a recipient, a domain, or --path SOURCE PROVIDER,");
    chosen = [&options](const Context& context) { return explain(context, options); };
  });
}

}  // namespace

void add_path_commands(CLI::App& app, Chosen& chosen, Keep& kept) {
  add_explain(app, chosen, kept);
  add_path(app, chosen, kept);
  CLI::App* unknown =
      app.add_subcommand("unknown", "refusals that no rule reads, the most frequent first");
  unknown->callback([&chosen] { chosen = list_unknown_refusals; });
  // For short; not in the help, which would name everything twice.
  for (const HandCommand& about : hand_commands) {
    add_hand(app, about, chosen, kept);
    app.get_subcommand(about.name)->group("");
  }
}

}  // namespace mailweir::cli
