#include "cli/path_commands.h"

#include "cli/present_path.h"
#include "cli/query.h"
#include "cli/server_call.h"

namespace mailweir::cli {
namespace {

std::string body_text(const Json& body) {
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

int list_paths(const Context& context, const PathListOptions& options) {
  Query query;
  query.add_if("source", options.source);
  query.add_if("provider", options.provider);
  query.add("count", std::to_string(options.rows));
  return ask(context, get(query.target("/api/v1/paths")), present_paths);
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
  return ask(context, get(query.target("/api/v1/explain")), present_explained_recipient);
}

int list_unknown_refusals(const Context& context) {
  return ask(context, get("/api/v1/refusals/unknown"), present_unknown_refusals);
}

}  // namespace mailweir::cli
