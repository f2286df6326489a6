#include "cli/cli.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "base/nearest_name.h"
#include "cli/classify.h"
#include "cli/commands.h"
#include "cli/language.h"
#include "cli/subcommand.h"

namespace mailweir::cli {
namespace {

constexpr std::string_view default_socket = "./var/mailweir.sock";

struct GlobalOptions {
  std::string socket;
  std::string config_file;
  std::string language;
  std::string colour = "auto";
  bool json = false;
};

Language choose_language(const GlobalOptions& options, const Environment& environment) {
  if (!options.language.empty()) return language_of_locale(options.language);
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const auto value = environment.variable(name);
    if (value && !value->empty()) return language_of_locale(*value);
  }
  return Language::english;
}

// https://no-color.org: any value but the empty one turns colour off.
bool choose_colour(const GlobalOptions& options, const Environment& environment) {
  if (options.colour != "auto") return options.colour == "always";
  if (!environment.variable("NO_COLOR").value_or("").empty()) return false;
  return environment.out_is_terminal && environment.variable("TERM").value_or("") != "dumb";
}

Result<std::string> choose_socket(const GlobalOptions& options, const Program& program,
                                  const Environment& environment) {
  if (!options.socket.empty()) return options.socket;
  if (auto named = environment.variable("MAILWEIR_SOCKET"); named && !named->empty())
    return *std::move(named);
  if (!program.find_socket) return std::string(default_socket);
  WEIR_TRY(std::string configured, program.find_socket(options.config_file));
  return configured.empty() ? std::string(default_socket) : configured;
}

void add_global_options(CLI::App& app, GlobalOptions& options) {
  app.add_option("--socket", options.socket,
                 "Unix socket of the server [$MAILWEIR_SOCKET, else the configuration's]")
      ->type_name("PATH");
  app.add_option("--config", options.config_file, "configuration file")->type_name("FILE");
  app.add_option("--lang", options.language, "language of the output")
      ->check(CLI::IsMember({"en", "ja"}))
      ->type_name("");
  app.add_option("--color", options.colour, "colour the output [auto]")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->type_name("");
  app.add_flag("--json", options.json, "print the server's JSON as it comes");
}

// An empty value would mean every message: mostly a variable that was never set.
std::string complain_if_empty(const std::string& value) {
  return value.empty() ? "must not be empty; leave it out to mean any" : "";
}

void add_filter_options(CLI::App& command, Filter& filter) {
  const auto add = [&command](const char* name, std::string& value, const char* summary,
                              const char* type) {
    command.add_option(name, value, summary)->check(complain_if_empty)->type_name(type);
  };
  add("--provider", filter.provider, "only recipients at this mailbox provider", "NAME");
  add("--domain", filter.domain, "only recipients of this domain", "DOMAIN");
  add("--class", filter.message_class, "only messages of this class", "NAME");
  add("--tenant", filter.tenant, "only messages of this tenant", "NAME");
  add("--campaign", filter.campaign, "only messages of campaigns of this name", "NAME");
  command.add_option("--state", filter.state, "only recipients in this state")
      ->check(CLI::IsMember({"queued", "deferred", "held"}))
      ->type_name("");
}

void add_status(CLI::App& app, Chosen& chosen, Keep& kept) {
  auto& rows = keep<std::uint32_t>(kept);
  rows = 10;
  CLI::App* command =
      app.add_subcommand("status", "what the server is doing: one sentence, then a small table");
  command->add_option("--rows", rows, "providers shown [10]")
      ->check(CLI::Range(1, 10'000))
      ->type_name("N");
  command->callback(
      [&] { chosen = [&rows](const Context& context) { return show_status(context, rows); }; });
}

void add_queue(CLI::App& app, Chosen& chosen, Keep& kept) {
  auto& options = keep<QueueOptions>(kept);
  CLI::App* command =
      app.add_subcommand("queue", "what is waiting: counts, or with --list every recipient");
  command->add_option("--by", options.by, "what the counts are grouped by [provider]")
      ->check(CLI::IsMember({"provider", "domain", "class", "tenant", "campaign"}))
      ->type_name("");
  command->add_option("--rows", options.rows, "groups shown [100]")
      ->check(CLI::Range(1, 10'000))
      ->type_name("N");
  auto* list = command->add_flag("-p,--list", options.list,
                                 "list recipients with state, reason and last reply (as mailq)");
  add_filter_options(*command, options.filter);
  for (const char* name :
       {"--provider", "--domain", "--class", "--tenant", "--campaign", "--state"})
    command->get_option(name)->needs(list);
  command->add_option("--after", options.after, "continue behind this message id")
      ->needs(list)
      ->type_name("ID");
  command->add_option("--count", options.count, "recipients a page [100]")
      ->needs(list)
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  command->callback([&] {
    chosen = [&options](const Context& context) { return show_queue(context, options); };
  });
}

void add_trace(CLI::App& app, Chosen& chosen, Keep& kept) {
  auto& id = keep<std::string>(kept);
  CLI::App* command =
      app.add_subcommand("trace", "everything that happened to a message, also after it has left");
  command->add_option("id", id, "message id")->required()->type_name("");
  command->callback(
      [&] { chosen = [&id](const Context& context) { return show_trace(context, id); }; });
}

void add_message_show(CLI::App& group, Chosen& chosen, Keep& kept) {
  struct Options {
    std::string id;
    bool content = false;
  };
  auto& options = keep<Options>(kept);
  CLI::App* command =
      group.add_subcommand("show", "envelope, recipients with state and reason, headers");
  command->add_option("id", options.id, "message id")->required()->type_name("");
  command->add_flag("--content", options.content, "print the content instead, byte for byte");
  command->callback([&] {
    chosen = [&options](const Context& context) {
      return show_message(context, options.id, options.content);
    };
  });
}

void add_message_action(CLI::App& group, const char* action, const char* summary, Chosen& chosen,
                        Keep& kept) {
  auto& options = keep<ActOptions>(kept);
  options.action = action;
  CLI::App* command = group.add_subcommand(action, summary);
  auto* ids =
      command->add_option("id", options.ids, "message ids; - reads them from standard input")
          ->type_name("");
  auto* all = command
                  ->add_flag("--all", options.all,
                             "every message, or every one that the filters below match")
                  ->excludes(ids);
  add_filter_options(*command, options.filter);
  for (const char* name :
       {"--provider", "--domain", "--class", "--tenant", "--campaign", "--state"})
    command->get_option(name)->needs(all);
  command->add_flag("--dry-run", options.dry_run, "count only, change nothing");
  command->add_option("--reason", options.reason, "why, for the event log")->type_name("TEXT");
  if (options.action == "delete") command->add_flag("--yes", options.yes, "do not ask");
  command->callback([&options, &chosen] {
    if (options.ids.empty() && !options.all) throw CLI::RequiredError("message ids, or --all,");
    chosen = [&options](const Context& context) { return act(context, options); };
  });
}

void add_message(CLI::App& app, Chosen& chosen, Keep& kept) {
  CLI::App* group = app.add_subcommand("message", "look at messages in the queue, and act on them");
  group->require_subcommand(1);
  add_message_show(*group, chosen, kept);
  add_message_action(*group, "retry", "try again at once", chosen, kept);
  add_message_action(*group, "hold", "keep from being delivered until released", chosen, kept);
  add_message_action(*group, "release", "end a hold", chosen, kept);
  add_message_action(*group, "delete", "remove for good, without a report to the sender", chosen,
                     kept);
}

void add_config(CLI::App& app, Chosen& chosen, Keep& kept) {
  CLI::App* group = app.add_subcommand("config", "check, show and reload the configuration");
  group->require_subcommand(1);
  auto& file = keep<std::string>(kept);
  CLI::App* check =
      group->add_subcommand("check", "read a configuration and say what is wrong; needs no server");
  check->add_option("file", file, "configuration file [--config, else the default place]")
      ->type_name("");
  check->callback([&] {
    chosen.is_local = true;
    chosen = [&file](const Context& context) { return check_config(context, file); };
  });
  auto& non_default = keep<bool>(kept);
  CLI::App* show = group->add_subcommand("show", "the configuration in force, secrets hidden");
  show->add_flag("-n,--non-default", non_default, "only what differs from the defaults");
  show->callback([&] {
    chosen = [&non_default](const Context& context) { return show_config(context, non_default); };
  });
  CLI::App* reload =
      group->add_subcommand("reload", "take the configuration anew; on error the old one stays");
  reload->callback([&] { chosen = reload_config; });
}

void add_send(CLI::App& app, Chosen& chosen, Keep& kept) {
  auto& options = keep<SendOptions>(kept);
  CLI::App* command = app.add_subcommand("send", "submit a message (RFC 5322) and print its id");
  command->add_option("file", options.file, "message file [standard input]")->type_name("");
  command
      ->add_option("--from", options.from, "sender, to whom failures are reported; <> for nobody")
      ->required()
      ->type_name("ADDRESS");
  command->add_option("--to", options.to, "recipient; may be given again")
      ->required()
      ->allow_extra_args(false)
      ->type_name("ADDRESS");
  command->add_option("--class", options.message_class, "message class")->type_name("NAME");
  command->add_option("--tenant", options.tenant, "tenant")->type_name("NAME");
  command->add_option("--campaign", options.campaign, "one of the tenant's campaigns")
      ->type_name("NAME");
  command
      ->add_option("--not-before", options.not_before,
                   "first attempt not before this time, or this long from now")
      ->type_name("TIME|30m");
  command->callback(
      [&] { chosen = [&options](const Context& context) { return send(context, options); }; });
}

void add_classify(CLI::App& app, Chosen& chosen, Keep& kept) {
  auto& options = keep<ClassifyOptions>(kept);
  CLI::App* command = app.add_subcommand(
      "classify", "what a refusal means, by which rule, and what Mailweir does about it");
  auto* reply = command
                    ->add_option("reply", options.reply,
                                 "a reply such as \"451 4.7.500 …\", or a file [standard input: "
                                 "replies, a mail log, events, or a bounce]")
                    ->type_name("");
  auto* provider = command->add_option("--provider", options.provider, "who said it, by its key")
                       ->type_name("KEY");
  command->add_option("--mx", options.mx, "who said it, by its host")
      ->excludes(provider)
      ->type_name("HOST");
  command->add_option("--phase", options.phase, "the step it answered [rcpt]")->type_name("PHASE");
  command->add_option("--dsn", options.bounce_file, "a bounce message; - for standard input")
      ->excludes(reply)
      ->type_name("FILE");
  command->add_option("--rules", options.rules_folder, "own provider files, judged first")
      ->type_name("FOLDER");
  command->callback([&] {
    chosen.is_local = true;
    chosen = [&options](const Context& context) { return classify(context, options); };
  });
}

void add_catalogue(CLI::App& app, Chosen& chosen, Keep& kept) {
  auto& folder = keep<std::string>(kept);
  CLI::App* group = app.add_subcommand("catalogue", "the providers known, and their rules");
  group->require_subcommand(0, 1);
  group->add_option("--rules", folder, "own provider files on top")->type_name("FOLDER");
  CLI::App* check =
      group->add_subcommand("check", "say what is wrong with rules, with file and line");
  check->add_option("folder", folder, "own provider files on top of those built in")->type_name("");
  check->callback([&] {
    chosen.is_local = true;
    chosen = [&folder](const Context& context) { return check_catalogue(context, folder); };
  });
  group->callback([&, check] {
    if (check->parsed()) return;
    chosen.is_local = true;
    chosen = [&folder](const Context& context) { return list_catalogue(context, folder); };
  });
}

// What such a command does not know itself belongs to the program that brought it, so nothing falls
// through to the global options;
// --config alone may stand behind the name as well, unless the command explains itself.
void add_local(CLI::App& app, const LocalCommand& local, GlobalOptions& options, Chosen& chosen) {
  CLI::App* command = app.add_subcommand(local.name, local.summary);
  command->fallthrough(false);
  command->allow_extras();
  if (local.explains_itself) {
    command->set_help_flag();
  } else {
    command->add_option("--config", options.config_file, "configuration file")->type_name("FILE");
  }
  command->callback([&local, &chosen, command] {
    chosen.is_local = true;
    chosen = [&local, arguments = command->remaining()](const Context& context) {
      const bool is_japanese = context.style.language == Language::japanese;
      return local.run(Invocation{context.config_file, arguments, is_japanese ? "ja" : "en"});
    };
  });
}

// A word that is no command, with the nearest that is one; empty if that is not the trouble.
std::string unknown_command(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  const CLI::App* const group = chosen.empty() ? &app : chosen.front();
  const auto commands = group->get_subcommands([](const CLI::App*) { return true; });
  const auto rest = app.remaining(true);
  if (commands.empty() || rest.empty() || rest.front().starts_with('-')) return {};
  std::vector<std::string_view> names;
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  std::string text = fmt::format("mailweir: there is no command \"{}\"", rest.front());
  if (const std::string_view near = nearest_name(rest.front(), names); !near.empty())
    text += fmt::format("; did you mean \"{}\"?", near);
  return text + fmt::format("\n`{} --help` lists them.\n",
                            group == &app ? "mailweir" : "mailweir " + group->get_name());
}

// CLI11 writes help and errors to streams and has exit codes of its own.
int explain(const CLI::App& app, const CLI::ParseError& error, const Environment& environment) {
  if (const std::string text = unknown_command(app); !text.empty() && error.get_exit_code() != 0) {
    environment.err(text);
    return exit_usage;
  }
  std::ostringstream out;
  std::ostringstream err;
  const bool is_help = app.exit(error, out, err) == 0;
  environment.out(out.str());
  if (!err.str().empty()) environment.err("mailweir: " + err.str());
  return is_help ? exit_ok : exit_usage;
}

}  // namespace

int run(int argc, const char* const* argv, const Program& program, const Environment& environment) {
  CLI::App app("Mailweir, an outbound mail server. Manual: mailweir(1).", "mailweir");
  app.set_version_flag("--version", "mailweir " + program.version);
  app.require_subcommand(1);
  app.fallthrough();
  GlobalOptions options;
  Chosen chosen;
  Keep kept;
  add_global_options(app, options);
  for (const LocalCommand& local : program.commands) add_local(app, local, options, chosen);
  add_status(app, chosen, kept);
  add_queue(app, chosen, kept);
  add_trace(app, chosen, kept);
  add_message(app, chosen, kept);
  add_config(app, chosen, kept);
  add_send(app, chosen, kept);
  add_classify(app, chosen, kept);
  add_catalogue(app, chosen, kept);
  add_path_commands(app, chosen, kept);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return explain(app, error, environment);
  }
  const auto socket = chosen.is_local ? Result<std::string>(std::string())
                                      : choose_socket(options, program, environment);
  if (!socket) {
    environment.err(fmt::format("mailweir: {}\n", socket.error().context));
    return exit_failure;
  }
  const Context context{
      .environment = environment,
      .program = program,
      .style = {choose_language(options, environment), choose_colour(options, environment)},
      .socket = *socket,
      .config_file = options.config_file,
      .json = options.json};
  return chosen.run(context);
}

}  // namespace mailweir::cli
