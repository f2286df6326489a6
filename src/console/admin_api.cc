#include "console/admin_api.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "console/answering.h"
#include "console/front_page.h"
#include "console/path_api.h"
#include "console/submission.h"
#include "console/views_json.h"

namespace mailweir::console {
namespace {

using Json = nlohmann::json;

constexpr std::size_t rows_default = 100;
constexpr std::size_t rows_max = 10'000;
constexpr std::size_t status_rows_default = 20;
constexpr std::size_t list_default = 100;
constexpr std::size_t list_max = 1000;
constexpr std::size_t action_ids_max = 4096;

Result<bool> read_switch(const Request& request, std::string_view name) {
  const auto text = request.query_value(name);
  if (!text || *text == "0" || *text == "false") return false;
  if (*text == "1" || *text == "true" || text->empty()) return true;
  return fail(Errc::invalid_argument, fmt::format("{} must be 1 or 0", name));
}

Result<engine::QueueKey> read_key(const Request& request) {
  const std::string_view by = request.query_value("by").value_or("provider");
  if (by == "provider") return engine::QueueKey::provider;
  if (by == "domain") return engine::QueueKey::domain;
  if (by == "class") return engine::QueueKey::message_class;
  if (by == "tenant") return engine::QueueKey::tenant;
  if (by == "campaign") return engine::QueueKey::campaign;
  return fail(
      Errc::invalid_argument,
      fmt::format("by must be provider, domain, class, tenant or campaign, not \"{}\"", by));
}

Result<Disposition> read_state(std::string_view text) {
  for (const Disposition state : {Disposition::queued, Disposition::deferred, Disposition::held}) {
    if (text == to_string(state)) return state;
  }
  return fail(Errc::invalid_argument,
              fmt::format("state must be queued, deferred or held, not \"{}\"", text));
}

// Sets the criterion called `name`; false when there is none of that name.
Result<bool> set_criterion(engine::ListFilter& filter, std::string_view name,
                           std::string_view value) {
  // It would match everything: mostly a script's variable that was never set.
  if (value.empty()) {
    return fail(Errc::invalid_argument,
                fmt::format("\"{}\" is empty; leave it out to mean any", name));
  }
  if (name == "provider") {
    filter.provider = value;
  } else if (name == "domain") {
    filter.domain = value;
  } else if (name == "class") {
    filter.message_class = value;
  } else if (name == "tenant") {
    filter.tenant = value;
  } else if (name == "campaign") {
    filter.campaign = value;
  } else if (name == "state") {
    WEIR_TRY(filter.disposition, read_state(value));
  } else {
    return false;
  }
  return true;
}

Result<void> get_status(const Request& request, const Responder& respond, AdminPort& port) {
  WEIR_CHECK(allow_query(request, {"rows"}));
  WEIR_TRY(const std::size_t rows, read_count(request, "rows", status_rows_default, rows_max));
  port.status(answering<ServerStatus>(respond, [&port, rows](const ServerStatus& status) {
    return status_response(status, port.health(), rows);
  }));
  return {};
}

Result<void> get_queue(const Request& request, const Responder& respond, AdminPort& port) {
  WEIR_CHECK(allow_query(request, {"by", "rows"}));
  WEIR_TRY(const engine::QueueKey key, read_key(request));
  WEIR_TRY(const std::size_t rows, read_count(request, "rows", rows_default, rows_max));
  port.queue(key, answering<QueueSummary>(respond, [key, rows](const QueueSummary& summary) {
               return queue_response(summary, key, rows);
             }));
  return {};
}

Result<void> get_recipients(const Request& request, const Responder& respond, AdminPort& port) {
  WEIR_CHECK(allow_query(
      request, {"provider", "domain", "class", "tenant", "campaign", "state", "after", "count"}));
  engine::ListFilter filter;
  for (const auto& [name, value] : request.query) WEIR_CHECK(set_criterion(filter, name, value));
  MessageId after;
  if (const auto text = request.query_value("after")) {
    WEIR_TRY(after, read_id(*text));
  }
  WEIR_TRY(const std::size_t count, read_count(request, "count", list_default, list_max));
  port.list(std::move(filter), after, count,
            answering<RecipientPage>(respond, [count](const RecipientPage& page) {
              return list_response(page, count);
            }));
  return {};
}

Result<void> get_message(const Request& request, const Responder& respond, AdminPort& port) {
  WEIR_TRY(const MessageId id, read_id(request.path_value("id")));
  const bool with_headers = request.access == Access::operator_only;
  port.message(id, answering<MessageDetail>(respond, [with_headers](const MessageDetail& detail) {
                 return message_response(detail, with_headers);
               }));
  return {};
}

Result<void> get_content(const Request& request, const Responder& respond, AdminPort& port) {
  WEIR_TRY(const MessageId id, read_id(request.path_value("id")));
  port.content(id, answering<std::shared_ptr<const std::string>>(respond, [](const auto& content) {
                 Response response;
                 response.content_type = "message/rfc822";
                 response.body = *content;
                 return response;
               }));
  return {};
}

Result<void> get_trace(const Request& request, const Responder& respond, AdminPort& port) {
  WEIR_TRY(const MessageId id, read_id(request.path_value("id")));
  port.trace(id, answering<std::vector<std::string>>(
                     respond, [id](const auto& events) { return trace_response(id, events); }));
  return {};
}

Result<Action> read_action(std::string_view name) {
  for (const Action action : {Action::retry, Action::hold, Action::release, Action::remove}) {
    if (name == to_string(action)) return action;
  }
  return fail(Errc::invalid_argument,
              fmt::format("action must be retry, hold, release or delete, not \"{}\"", name));
}

Result<engine::ListFilter> read_filter(const Json& json) {
  if (!json.is_object()) return fail(Errc::invalid_argument, "\"filter\" must be an object");
  engine::ListFilter filter;
  for (const auto& [name, value] : json.items()) {
    if (!value.is_string())
      return fail(Errc::invalid_argument, fmt::format("filter.{} must be a string", name));
    WEIR_TRY(const bool known, set_criterion(filter, name, value.get<std::string>()));
    if (!known) {
      return fail(
          Errc::invalid_argument,
          fmt::format("unknown \"{}\" in filter; known are provider, domain, class, tenant, "
                      "campaign, state",
                      name));
    }
  }
  // An empty filter would match everything; whoever wants that must say "all".
  if (json.empty())
    return fail(Errc::invalid_argument,
                "the filter is empty; to mean every message, give \"all\": true");
  return filter;
}

Result<std::vector<MessageId>> read_ids(const Json& json) {
  if (!json.is_array() || json.empty() || json.size() > action_ids_max) {
    return fail(Errc::invalid_argument,
                fmt::format("\"ids\" must be an array of 1 to {} message ids", action_ids_max));
  }
  std::vector<MessageId> ids;
  for (const Json& text : json) {
    if (!text.is_string()) return fail(Errc::invalid_argument, "\"ids\" must hold strings");
    WEIR_TRY(const MessageId id, read_id(text.get<std::string>()));
    ids.push_back(id);
  }
  return ids;
}

Result<void> set_action_member(ActionRequest& action, const std::string& name, const Json& value) {
  const auto must_be = [&name](std::string_view kind) {
    return fail(Errc::invalid_argument, fmt::format("\"{}\" must be a {}", name, kind));
  };
  if (name == "reason") {
    if (!value.is_string()) return must_be("string");
    action.reason = value.get<std::string>();
  } else if (name == "dry_run") {
    if (!value.is_boolean()) return must_be("boolean");
    action.dry_run = value.get<bool>();
  } else if (name == "all") {
    if (!value.is_boolean()) return must_be("boolean");
    if (value.get<bool>()) action.filter.emplace();
  } else if (name == "filter") {
    WEIR_TRY(action.filter, read_filter(value));
  } else if (name == "ids") {
    WEIR_TRY(action.ids, read_ids(value));
  } else {
    return fail(Errc::invalid_argument, fmt::format("unknown member \"{}\"", name));
  }
  return {};
}

// `action` and its targets may come from the path; then the body may say no more than why.
Result<ActionRequest> read_action_request(const Request& request, std::optional<Action> action,
                                          std::vector<MessageId> ids) {
  const bool is_single = action.has_value();
  ActionRequest asked;
  asked.actor = request.actor;
  const Json json =
      request.body.empty() ? Json::object() : Json::parse(request.body, nullptr, false);
  if (!json.is_object()) return fail(Errc::invalid_argument, "the body is not a JSON object");
  if (!is_single && json.contains("all") + json.contains("filter") + json.contains("ids") != 1) {
    return fail(Errc::invalid_argument,
                "say what to act on by one of \"ids\", \"filter\" and \"all\"");
  }
  for (const auto& [name, value] : json.items()) {
    if (name == "action" && !is_single) {
      WEIR_TRY(action, read_action(value.is_string() ? value.get<std::string>() : value.dump()));
    } else if (is_single && name != "reason" && name != "dry_run") {
      return fail(Errc::invalid_argument,
                  fmt::format("unknown member \"{}\"; known are reason, dry_run", name));
    } else {
      WEIR_CHECK(set_action_member(asked, name, value));
    }
  }
  if (!action) return fail(Errc::invalid_argument, "\"action\" is missing");
  if (!is_single && asked.ids.empty() && !asked.filter) {
    return fail(Errc::invalid_argument, "\"all\" must be true");
  }
  asked.action = *action;
  if (is_single) asked.ids = std::move(ids);
  return asked;
}

void act(ActionRequest asked, bool is_single, const Responder& respond, AdminPort& port) {
  const Action action = asked.action;
  const bool dry_run = asked.dry_run;
  port.act(
      std::move(asked),
      answering<ActionResult>(respond, [action, dry_run, is_single](const ActionResult& result) {
        if (is_single && !result.not_found.empty()) {
          return problem(
              404, fmt::format("no message {} is queued", to_string(result.not_found.front())));
        }
        return action_response(action, dry_run, result);
      }));
}

Result<void> post_action(const Request& request, Action action, const Responder& respond,
                         AdminPort& port) {
  WEIR_TRY(const MessageId id, read_id(request.path_value("id")));
  WEIR_TRY(ActionRequest asked, read_action_request(request, action, {id}));
  act(std::move(asked), true, respond, port);
  return {};
}

Result<void> post_actions(const Request& request, const Responder& respond, AdminPort& port) {
  WEIR_TRY(ActionRequest asked, read_action_request(request, std::nullopt, {}));
  act(std::move(asked), false, respond, port);
  return {};
}

Result<void> get_config(const Request& request, const Responder& respond, AdminPort& port) {
  WEIR_CHECK(allow_query(request, {"non_default"}));
  WEIR_TRY(const bool non_default, read_switch(request, "non_default"));
  port.config_show(non_default, answering<ConfigText>(respond, config_response));
  return {};
}

Result<void> post_reload(const Request& request, const Responder& respond, AdminPort& port) {
  port.reload(request.actor, [respond](const Result<ReloadResult>& result) {
    if (!result && result.error().code == Errc::invalid_argument) {
      respond(problem(422, result.error().context));
    } else {
      respond(result ? reload_response(*result) : problem(result.error()));
    }
  });
  return {};
}

Response plain(unsigned status, std::string text) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(text);
  return response;
}

void post_message(Request request, const Responder& respond, AdminPort& port) {
  auto submission = read_submission(std::move(request));
  if (!submission) {
    const bool is_type = submission.error().code == Errc::unsupported;
    respond(is_type ? problem(415, submission.error().context) : problem(submission.error()));
    return;
  }
  port.submit(*std::move(submission), answering<SubmitResult>(respond, submit_response));
}

void add_action_routes(Router& router, AdminPort& port) {
  for (const Action action : {Action::retry, Action::hold, Action::release, Action::remove}) {
    router.add(Method::post, fmt::format("/api/v1/messages/{{id}}/{}", to_string(action)),
               Access::operator_only,
               [&port, action](const Request& request, const Responder& respond) {
                 if (const auto read = post_action(request, action, respond, port); !read)
                   respond(problem(read.error()));
               });
  }
  router.add(Method::post, "/api/v1/actions", Access::operator_only, handling(port, post_actions),
             std::size_t{256} << 10);
}

void add_probe_routes(Router& router, AdminPort& port) {
  router.add(Method::get, "/", Access::reader,
             [](const Request&, const Responder& respond) { respond(front_page()); });
  router.add(Method::get, "/healthz", Access::reader,
             [](const Request&, const Responder& respond) { respond(plain(200, "ok\n")); });
  router.add(Method::get, "/readyz", Access::reader,
             [&port](const Request&, const Responder& respond) {
               const Health health = port.health();
               respond(plain(health.is_ready ? 200 : 503, health.detail + "\n"));
             });
  router.add(Method::get, "/metrics", Access::reader,
             [&port](const Request&, const Responder& respond) {
               port.metrics(answering<std::string>(respond, [](std::string& text) {
                 Response response = plain(200, std::move(text));
                 response.content_type = "text/plain; version=0.0.4; charset=utf-8";
                 return response;
               }));
             });
}

}  // namespace

void add_admin_routes(Router& router, AdminPort& port) {
  add_probe_routes(router, port);
  router.add(Method::get, "/api/v1/status", Access::reader, handling(port, get_status));
  router.add(Method::get, "/api/v1/queue", Access::reader, handling(port, get_queue));
  router.add(Method::get, "/api/v1/recipients", Access::reader, handling(port, get_recipients));
  router.add(Method::get, "/api/v1/messages/{id}", Access::reader, handling(port, get_message));
  router.add(Method::get, "/api/v1/messages/{id}/trace", Access::reader, handling(port, get_trace));
  router.add(Method::get, "/api/v1/messages/{id}/content", Access::operator_only,
             handling(port, get_content));
  router.add(Method::get, "/api/v1/config", Access::operator_only, handling(port, get_config));
  router.add(Method::post, "/api/v1/config/reload", Access::operator_only,
             handling(port, post_reload));
  router.add(
      Method::post, "/api/v1/messages", Access::operator_only,
      [&port](Request request, const Responder& respond) {
        post_message(std::move(request), respond, port);
      },
      submission_max);
  add_action_routes(router, port);
  add_path_routes(router, port);
}

}  // namespace mailweir::console
