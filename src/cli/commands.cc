#include "cli/commands.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/time.h"
#include "base/units.h"
#include "cli/query.h"
#include "cli/server_call.h"
#include "provider/catalogue.h"

namespace mailweir::cli {
namespace {

// What one request line can carry (the server takes headers of 8 KiB).
constexpr std::size_t target_max = 7000;

std::vector<std::pair<const char*, const std::string*>> criteria(const Filter& filter) {
  return {{"provider", &filter.provider},   {"domain", &filter.domain},
          {"class", &filter.message_class}, {"tenant", &filter.tenant},
          {"campaign", &filter.campaign},   {"state", &filter.state}};
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string_view line : lines_of(text)) {
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    words.emplace_back(line.substr(first, line.find_first_of(" \t", first) - first));
  }
  return words;
}

// The body of POST /api/v1/actions; fails when the ids on standard input cannot be read.
Result<Json> action_body(const Context& context, const ActOptions& options) {
  Json body = {{"action", options.action}};
  if (!options.ids.empty()) {
    std::vector<std::string> ids = options.ids;
    if (ids.size() == 1 && ids.front() == "-") {
      WEIR_TRY(const std::string text, context.environment.read("-"));
      ids = words_of(text);
      if (ids.empty()) {
        return fail(Errc::invalid_argument,
                    std::string(text_of(context.style.language, Text::no_ids)));
      }
    }
    body["ids"] = std::move(ids);
  } else if (options.filter.is_empty()) {
    body["all"] = true;
  } else {
    Json filter = Json::object();
    for (const auto& [name, value] : criteria(options.filter)) {
      if (!value->empty()) filter[name] = *value;
    }
    body["filter"] = std::move(filter);
  }
  if (!options.reason.empty()) body["reason"] = options.reason;
  return body;
}

// Counts first, then asks the person; `exit_ok` means go on.
std::optional<int> confirm_delete(const Context& context, Json body) {
  const Language language = context.style.language;
  if (!context.environment.in_is_terminal) {
    complain(context, text_of(language, Text::confirm_needs_terminal));
    return exit_refused;
  }
  body["dry_run"] = true;
  const auto answer = call_server(context.socket, post("/api/v1/actions", body.dump()));
  if (!answer) return unreachable(context, answer.error());
  if (answer->status >= 300) return report_problem(context, *answer);
  const std::uint64_t count = number(Json::parse(answer->body, nullptr, false), "changed");
  if (count == 0) {
    context.environment.out(fmt::format("{}\n", text_of(language, Text::nothing_matches)));
    return exit_not_found;
  }
  context.environment.err(say(language, Text::confirm_delete, count_text(count)));
  if (context.environment.read_line() == "yes") return std::nullopt;
  complain(context, text_of(language, Text::not_confirmed));
  return exit_refused;
}

// "30m" is 30 minutes from the server's now; the host of the command may have another idea of the
// time.
Result<std::string> absolute_time(const Context& context, const std::string& text) {
  if (text.empty() || parse_rfc3339(text)) return text;
  const auto wait = parse_duration(text);
  if (!wait) {
    return fail(Errc::invalid_argument,
                fmt::format("--not-before \"{}\" is neither a time (2026-11-22T18:00:00+09:00) nor "
                            "a duration (30m)",
                            printable(text)));
  }
  WEIR_TRY(const HttpAnswer answer, call_server(context.socket, get("/api/v1/status?rows=1")));
  const auto now = parse_rfc3339(raw_text(Json::parse(answer.body, nullptr, false), "server_time"));
  if (!now) return fail(Errc::corrupt, "the server does not tell its time");
  return to_rfc3339(*now + *wait);
}

std::string present_submission(const Json& answer, const Style&) {
  return shown_text(answer, "id") + "\n";
}

std::string present_config(const Json& answer, const Style&) {
  return raw_text(answer, "toml");
}

}  // namespace

int check_provider_name(const Context& context, const std::string& provider) {
  const provider::Catalogue& catalogue = provider::Catalogue::embedded();
  if (provider.empty() || provider.contains('.') || catalogue.knows(provider)) return exit_ok;
  Query query;
  query.add("provider", provider);
  query.add("count", "1");
  const auto answer = call_server(context.socket, get(query.target("/api/v1/paths")));
  if (answer && answer->status < 300 &&
      !member(Json::parse(answer->body, nullptr, false), "paths").empty())
    return exit_ok;
  const std::string_view near = catalogue.nearest_key(provider);
  const Language language = context.style.language;
  complain(context, near.empty() ? say(language, Text::no_such_provider, provider)
                                 : say(language, Text::no_such_provider_but, provider, near));
  return exit_not_found;
}

int show_status(const Context& context, std::uint32_t rows) {
  return ask(context, get(fmt::format("/api/v1/status?rows={}", rows)), present_status);
}

int show_queue(const Context& context, const QueueOptions& options) {
  Query query;
  if (!options.list) {
    query.add("by", options.by);
    query.add("rows", std::to_string(options.rows));
    return ask(context, get(query.target("/api/v1/queue")), present_queue);
  }
  for (const auto& [name, value] : criteria(options.filter)) query.add_if(name, *value);
  query.add_if("after", options.after);
  query.add("count", std::to_string(options.count));
  const auto answer = call_server(context.socket, get(query.target("/api/v1/recipients")));
  if (!answer) return unreachable(context, answer.error());
  if (answer->status >= 300) return report_problem(context, *answer);
  const bool is_empty = member(Json::parse(answer->body, nullptr, false), "recipients").empty();
  if (is_empty && options.after.empty()) {
    if (const int known = check_provider_name(context, options.filter.provider); known != exit_ok)
      return known;
  }
  return print(context, *answer, present_list);
}

int show_message(const Context& context, const std::string& id, bool content) {
  const std::string target = "/api/v1/messages/" + percent_encode(id);
  if (!content) return ask(context, get(target), present_message);
  const auto answer = call_server(context.socket, get(target + "/content"));
  if (!answer) return unreachable(context, answer.error());
  if (answer->status >= 300) return report_problem(context, *answer);
  context.environment.out(answer->body);
  return exit_ok;
}

int show_trace(const Context& context, const std::string& id) {
  if (id.contains('@')) {
    complain(context, say(context.style.language, Text::trace_takes_an_id, printable(id)));
    return exit_usage;
  }
  return ask(context, get(fmt::format("/api/v1/messages/{}/trace", percent_encode(id))),
             present_trace);
}

int act(const Context& context, const ActOptions& options) {
  auto body = action_body(context, options);
  if (!body) {
    complain(context, body.error().context);
    return body.error().code == Errc::invalid_argument ? exit_usage : exit_failure;
  }
  if (options.action == "delete" && !options.yes && !options.dry_run) {
    if (const auto refusal = confirm_delete(context, *body)) return *refusal;
  }
  (*body)["dry_run"] = options.dry_run;
  const auto answer = call_server(
      context.socket,
      post("/api/v1/actions", body->dump(-1, ' ', false, Json::error_handler_t::replace)));
  if (!answer) return unreachable(context, answer.error());
  if (answer->status >= 300) return report_problem(context, *answer);
  const int printed = print(context, *answer, present_action);
  const Json result = Json::parse(answer->body, nullptr, false);
  if (printed == exit_ok && number(result, "matched") == 0 && number(result, "changed") == 0) {
    if (const int known = check_provider_name(context, options.filter.provider); known != exit_ok)
      return known;
  }
  const bool is_missing = !member(result, "not_found").empty();
  return printed == exit_ok && is_missing ? static_cast<int>(exit_not_found) : printed;
}

int show_config(const Context& context, bool non_default) {
  return ask(context, get(non_default ? "/api/v1/config?non_default=1" : "/api/v1/config"),
             present_config);
}

int check_config(const Context& context, const std::string& file) {
  const ConfigReport report =
      context.program.check_config(file.empty() ? context.config_file : file);
  const Language language = context.style.language;
  const std::string name =
      report.file.empty() ? std::string(text_of(language, Text::default_config)) : report.file;
  if (context.json) {
    const Json json = {{"valid", report.is_valid}, {"file", report.file}, {"report", report.text}};
    context.environment.out(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else {
    std::string text;  // it may quote a file that is no text at all
    for (const std::string_view line : lines_of(report.text)) text += printable(line) + "\n";
    (report.is_valid ? context.environment.out : context.environment.err)(
        text + say(language, report.is_valid ? Text::config_valid : Text::config_is_invalid, name) +
        "\n");
  }
  if (report.is_unreadable) return exit_failure;
  return report.is_valid ? exit_ok : exit_refused;
}

int reload_config(const Context& context) {
  return ask(context, post("/api/v1/config/reload", "{}"), present_reload);
}

int send(const Context& context, const SendOptions& options) {
  const auto not_before = absolute_time(context, options.not_before);
  if (!not_before) {
    if (not_before.error().code != Errc::invalid_argument)
      return unreachable(context, not_before.error());
    complain(context, not_before.error().context);
    return exit_usage;
  }
  const auto content = context.environment.read(options.file);
  if (!content) {
    complain(context, content.error().context);
    return exit_failure;
  }
  Query query;
  query.add("from", options.from);
  for (const std::string& to : options.to) query.add("to", to);
  query.add_if("class", options.message_class);
  query.add_if("tenant", options.tenant);
  query.add_if("campaign", options.campaign);
  query.add_if("not_before", *not_before);
  std::string target = query.target("/api/v1/messages");
  if (target.size() > target_max) {
    complain(
        context,
        fmt::format(
            "{} recipients are too many for one command; give fewer at a time, or submit over SMTP",
            options.to.size()));
    return exit_usage;
  }
  return ask(context,
             {.method = "POST",
              .target = std::move(target),
              .content_type = "message/rfc822",
              .body = *content},
             present_submission);
}

}  // namespace mailweir::cli
