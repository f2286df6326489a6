#include "cli/path_commands.h"

#include <algorithm>

#include "base/ids.h"
#include "cli/http_client.h"
#include "cli/layout.h"
#include "cli/present_path.h"
#include "cli/query.h"
#include "cli/server_call.h"

namespace mailweir::cli {
namespace {

std::string body_text(const Json& body) {
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Of a message that has left the queue, by its events; empty if they tell no end.
std::string how_it_ended(const Context& context, const std::string& id) {
  const auto answer = call_server(
      context.socket, get(fmt::format("/api/v1/messages/{}/trace", percent_encode(id))));
  if (!answer || answer->status >= 300) return {};
  const Json trace = Json::parse(answer->body, nullptr, false);
  const Style plain{context.style.language, false};
  std::string ends;
  const auto add = [&](const std::string& recipient, const std::string& state, const Json& event) {
    ends += (ends.empty() ? "" : "; ") + say(plain.language, Text::recipient_ended, recipient,
                                             state_text(state, plain),
                                             time_text(raw_text(event, "time")));
  };
  for (const Json& event : member(trace, "events")) {
    const std::string type = raw_text(event, "type");
    if (type == "disposition")
      add(shown_text(event, "recipient"), raw_text(event, "disposition"), event);
    const std::string outcome = raw_text(event, "outcome");
    if (type != "attempt" || (outcome != "delivered" && outcome != "bounced")) continue;
    for (const Json& recipient : member(event, "recipients")) {
      if (recipient.is_string()) add(printable(recipient.get<std::string>()), outcome, event);
    }
  }
  return ends.empty() ? ends : say(plain.language, Text::message_ended, id, ends);
}

}  // namespace

int list_paths(const Context& context, const PathListOptions& options) {
  Query query;
  query.add_if("source", options.source);
  query.add_if("provider", options.provider);
  query.add("count", std::to_string(options.rows));
  const auto answer = call_server(context.socket, get(query.target("/api/v1/paths")));
  if (!answer) return unreachable(context, answer.error());
  if (answer->status >= 300) return report_problem(context, *answer);
  const bool is_empty = member(Json::parse(answer->body, nullptr, false), "paths").empty();
  if (is_empty && !options.provider.empty()) {
    if (const int known = check_provider_name(context, options.provider); known != exit_ok)
      return known;
    if (!context.json) {
      context.environment.out(
          say(context.style.language, Text::no_paths_to, printable(options.provider)) + "\n");
      return exit_ok;
    }
  }
  return print(context, *answer, present_paths);
}

int list_hands(const Context& context) {
  return ask(context, get("/api/v1/hands"), present_hands);
}

int lay_hand(const Context& context, const HandOptions& options) {
  Json body = {
      {"source", options.source}, {"provider", options.provider}, {"reason", options.reason}};
  if (options.action == "resume")
    return ask(context, post("/api/v1/paths/resume", body_text(body)), present_taken_back);
  if (options.action == "forget")
    return ask(context, post("/api/v1/paths/forget", body_text(body)), present_forgotten);
  body["action"] = options.action;
  if (!options.rate.empty()) body["rate"] = options.rate;
  if (options.connections > 0) body["connections"] = options.connections;
  if (!options.lasts.empty()) body["for"] = options.lasts;
  return ask(context, post("/api/v1/hands", body_text(body)), present_hands_set);
}

int undo_hand(const Context& context, const UndoOptions& options) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (options.id.empty() || !std::ranges::all_of(options.id, is_digit)) {
    complain(context, say(context.style.language, Text::no_hand_id, printable(options.id)));
    return exit_usage;
  }
  Json body = Json::object();
  if (!options.reason.empty()) body["reason"] = options.reason;
  return ask(context, post(fmt::format("/api/v1/hands/{}/undo", options.id), body_text(body)),
             present_taken_back);
}

int explain(const Context& context, const ExplainOptions& options) {
  Query query;
  if (options.path.size() == 2) {
    query.add("source", options.path[0]);
    query.add("provider", options.path[1]);
    return ask(context, get(query.target("/api/v1/explain")), present_explained_path);
  }
  query.add("target", options.target);
  const auto answer = call_server(context.socket, get(query.target("/api/v1/explain")));
  if (!answer) return unreachable(context, answer.error());
  if (answer->status < 300) return print(context, *answer, present_explained_recipient);
  const std::string ended =
      answer->status == 404 && !context.json && parse_message_id(options.target)
          ? how_it_ended(context, options.target)
          : std::string();
  if (ended.empty()) return report_problem(context, *answer);
  complain(context, ended);
  return exit_not_found;
}

int list_unknown_refusals(const Context& context) {
  return ask(context, get("/api/v1/refusals/unknown"), present_unknown_refusals);
}

}  // namespace mailweir::cli
