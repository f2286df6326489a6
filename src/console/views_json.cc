#include "console/views_json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "console/path_views.h"

namespace mailweir::console {
namespace {

using Json = nlohmann::ordered_json;

Json time_or_null(std::optional<UnixTime> time) {
  return time ? Json(to_rfc3339(*time)) : Json(nullptr);
}

// For stored times, of which zero says "none".
Json stored_time(UnixTime time) {
  return time == UnixTime{} ? Json(nullptr) : Json(to_rfc3339(time));
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

double seconds(Duration duration) {
  return static_cast<double>(
             std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) /
         1000.0;
}

Json age(const Moment& moment, Instant since) {
  if (since == never) return nullptr;
  return seconds(std::max(moment.now - since, Duration{}));
}

std::uint64_t total_of(const engine::QueueRow& row) {
  return row.ready + row.deferred + row.held + row.in_flight;
}

Json row_json(const engine::QueueRow& row, const Moment& moment) {
  return {{"key", row.key},
          {"total", total_of(row)},
          {"ready", row.ready},
          {"in_flight", row.in_flight},
          {"deferred", row.deferred},
          {"held", row.held},
          {"oldest", time_or_null(moment.wall_at(row.oldest))},
          {"oldest_age_s", age(moment, row.oldest)}};
}

Json rows_json(std::vector<engine::QueueRow> rows, const Moment& moment, std::size_t rows_max) {
  const std::size_t count = std::min(rows.size(), rows_max);
  std::partial_sort(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count), rows.end(),
                    [](const engine::QueueRow& a, const engine::QueueRow& b) {
                      return std::pair(total_of(b), std::string_view(a.key)) <
                             std::pair(total_of(a), std::string_view(b.key));
                    });
  Json list = Json::array();
  for (std::size_t i = 0; i < count; ++i) list.push_back(row_json(rows[i], moment));
  return list;
}

Json totals_json(const engine::Totals& totals, const Moment& moment) {
  return {{"messages", totals.messages},
          {"recipients", totals.recipients},
          {"ready", totals.ready},
          {"in_flight", totals.in_flight},
          {"deferred", totals.deferred},
          {"held", totals.held},
          {"sessions", totals.sessions},
          {"oldest", time_or_null(moment.wall_at(totals.oldest))},
          {"oldest_age_s", age(moment, totals.oldest)}};
}

Json rate_or_null(const std::optional<Rate>& rate) {
  return rate ? Json(to_string(*rate)) : Json(nullptr);
}

std::string_view state_of(const engine::PathView& path) {
  if (path.is_paused) return "paused";
  return path.learned ? to_string(path.learned->mode) : "open";
}

Json path_row_json(const engine::PathView& path) {
  const bool has_pace = path.learned && std::isfinite(path.learned->pace);
  return {{"source", path.source},
          {"provider", path.provider},
          {"state", state_of(path)},
          {"pace_per_s", has_pace ? Json(path.learned->pace) : Json(nullptr)},
          {"connections", path.connections},
          {"in_flight", path.in_flight},
          {"delivered", path.delivered},
          {"deferred", path.deferred},
          {"bounced", path.bounced},
          {"caps",
           {{"connections", path.caps.connections_max},
            {"messages_per_connection", path.caps.messages_per_connection_max},
            {"message_rate", rate_or_null(path.caps.message_rate)},
            {"connection_rate", rate_or_null(path.caps.connection_rate)}}}};
}

Json paths_json(std::vector<engine::PathView> paths, std::size_t rows_max) {
  std::ranges::sort(paths, [](const engine::PathView& a, const engine::PathView& b) {
    return std::tuple(b.in_flight, b.connections, b.delivered, std::string_view(a.provider),
                      std::string_view(a.source)) <
           std::tuple(a.in_flight, a.connections, a.delivered, std::string_view(b.provider),
                      std::string_view(b.source));
  });
  Json list = Json::array();
  for (std::size_t i = 0; i < std::min(paths.size(), rows_max); ++i)
    list.push_back(path_row_json(paths[i]));
  return list;
}

Json counters_json(const Counters& counters) {
  return {{"messages_accepted", counters.messages_accepted},
          {"recipients_accepted", counters.recipients_accepted},
          {"delivered", counters.delivered},
          {"deferred", counters.deferred},
          {"bounced", counters.bounced},
          {"expired", counters.expired},
          {"deleted", counters.deleted}};
}

std::string_view key_name(engine::QueueKey key) {
  switch (key) {
    case engine::QueueKey::provider:
      return "provider";
    case engine::QueueKey::domain:
      return "domain";
    case engine::QueueKey::message_class:
      return "class";
    case engine::QueueKey::tenant:
      return "tenant";
    case engine::QueueKey::campaign:
      return "campaign";
  }
  return "";
}

// The part that a listed recipient and one of a shown message have in common. `reply` is verbatim.
void add_state(Json& json, const engine::RecipientView& view, const std::string& reply,
               const Moment& moment) {
  json["domain"] = view.domain;
  json["provider"] = text_or_null(view.provider);
  json["state"] = to_string(view.disposition);
  const bool is_waiting = !is_final(view.disposition) && view.reason != engine::WaitReason::none;
  json["reason"] = is_waiting ? Json(engine::to_string(view.reason)) : Json(nullptr);
  json["cell"] = view.cell ? Json(view.cell->name) : Json(nullptr);
  json["until"] = is_waiting ? time_or_null(moment.wall_at(view.until)) : Json(nullptr);
  json["due"] = is_final(view.disposition) ? Json(nullptr) : time_or_null(moment.wall_at(view.due));
  json["attempts"] = view.attempts;
  json["reply_code"] = view.reply_code == 0 ? Json(nullptr) : Json(view.reply_code);
  json["reply"] = text_or_null(reply);
}

Json listed_json(const ListedRecipient& recipient, const Moment& moment) {
  const engine::RecipientView& view = recipient.view;
  Json json = {{"message", to_string(view.id)},
               {"recipient", view.recipient},
               {"mailbox", recipient.mailbox},
               {"reverse_path", recipient.reverse_path},
               {"size_bytes", recipient.size},
               {"class", view.message_class},
               {"tenant", text_or_null(view.tenant)},
               {"campaign", text_or_null(view.campaign)},
               {"accepted", time_or_null(moment.wall_at(view.accepted))},
               {"expires", time_or_null(moment.wall_at(view.expires))}};
  add_state(json, view, recipient.reply_text, moment);
  return json;
}

std::string_view return_name(DsnReturn value) {
  switch (value) {
    case DsnReturn::unspecified:
      return "";
    case DsnReturn::full:
      return "full";
    case DsnReturn::headers:
      return "headers";
  }
  return "";
}

Json envelope_json(const StoredMessage& message) {
  const Envelope& envelope = message.envelope;
  return {{"id", to_string(message.id)},
          {"reverse_path", envelope.reverse_path.text()},
          {"class", message.message_class},
          {"tenant", text_or_null(message.tenant)},
          {"campaign", text_or_null(message.campaign)},
          {"pool", text_or_null(message.pool)},
          {"client", text_or_null(message.client)},
          {"size_bytes", message.body_size},
          {"body", envelope.body == BodyType::seven_bit ? "7bit" : "8bitmime"},
          {"smtputf8", envelope.smtputf8},
          {"dsn_return", text_or_null(std::string(return_name(envelope.dsn_return)))},
          {"envelope_id", text_or_null(envelope.envelope_id)},
          {"received", stored_time(message.received_at)},
          {"not_before", stored_time(message.not_before)},
          {"expires", stored_time(message.expires_at)},
          {"deadline", stored_time(message.deadline)}};
}

}  // namespace

Response json_response(const Json& body) {
  Response response;
  response.body = body.dump(2, ' ', false, Json::error_handler_t::replace);
  response.body.push_back('\n');
  return response;
}

Response status_response(const ServerStatus& status, const Health& health, std::size_t rows_max) {
  Json json = {{"server_time", to_rfc3339(status.moment.wall)},
               {"version", status.version},
               {"node", status.node},
               {"mode", status.mode == Mode::live ? "live" : "sandbox"},
               {"ready", health.is_ready},
               {"ready_detail", health.detail},
               {"troubles", status.troubles},
               {"started", to_rfc3339(status.started)},
               {"uptime_s", seconds(std::max(status.moment.wall - status.started, Duration{}))},
               {"data_dir", status.data_dir},
               {"config_file", text_or_null(status.config_file)},
               {"listeners", status.listeners}};
  json["totals"] = totals_json(status.totals, status.moment);
  json["counters"] = counters_json(status.counters);
  json["disk"] = {{"spool_bytes", status.disk.spool_bytes},
                  {"free_bytes", status.disk.free_bytes},
                  {"total_bytes", status.disk.total_bytes}};
  json["providers_total"] = status.providers.size();
  json["providers_active"] = std::ranges::count_if(
      status.providers, [](const engine::QueueRow& row) { return row.in_flight > 0; });
  json["providers"] = rows_json(status.providers, status.moment, rows_max);
  json["paths_held"] = status.paths_held;
  json["paths_paused"] = status.paths_paused;
  json["paths_stopped"] = status.paths_stopped;
  Json stopped = Json::array();
  for (const ExplainedPath& path : status.stopped_paths)
    stopped.push_back(path_json(path, status.moment));
  json["stopped_paths"] = std::move(stopped);
  json["findings"] = findings_json(status.findings, status.moment);
  json["unknown_refusals"] = status.unknown_refusals;
  json["paths_total"] = status.paths.size();
  json["paths"] = paths_json(status.paths, rows_max);
  return json_response(json);
}

Response queue_response(const QueueSummary& summary, engine::QueueKey key, std::size_t rows_max) {
  return json_response({{"server_time", to_rfc3339(summary.moment.wall)},
                        {"by", key_name(key)},
                        {"totals", totals_json(summary.totals, summary.moment)},
                        {"rows_total", summary.rows.size()},
                        {"rows", rows_json(summary.rows, summary.moment, rows_max)}});
}

Response list_response(const RecipientPage& page, std::size_t count) {
  Json list = Json::array();
  for (const ListedRecipient& recipient : page.recipients)
    list.push_back(listed_json(recipient, page.moment));
  const bool has_more = page.recipients.size() >= count;
  return json_response(
      {{"server_time", to_rfc3339(page.moment.wall)},
       {"next", has_more ? Json(to_string(page.recipients.back().view.id)) : Json(nullptr)},
       {"recipients", std::move(list)}});
}

Response message_response(const MessageDetail& detail, bool with_headers) {
  Json json = {{"server_time", to_rfc3339(detail.moment.wall)}};
  json.update(envelope_json(detail.message));
  Json list = Json::array();
  for (const RecipientDetail& recipient : detail.recipients) {
    Json entry = {{"recipient", recipient.view.recipient}};
    if (recipient.view.recipient < detail.message.envelope.recipients.size()) {
      const Recipient& of_envelope = detail.message.envelope.recipients[recipient.view.recipient];
      entry["mailbox"] = of_envelope.mailbox.text();
      entry["original_recipient"] = text_or_null(of_envelope.original_recipient);
    }
    add_state(entry, recipient.view, recipient.reply_text, detail.moment);
    list.push_back(std::move(entry));
  }
  json["recipients"] = std::move(list);
  json["headers"] = with_headers ? Json(detail.headers) : Json(nullptr);
  return json_response(json);
}

Response trace_response(MessageId id, const std::vector<std::string>& events) {
  Response response;
  response.body = "{\n  \"id\": \"" + to_string(id) + "\",\n  \"events\": [";
  bool is_first = true;
  for (const std::string& event : events) {
    if (!Json::accept(event)) continue;  // a line cut off by a crash
    response.body += is_first ? "\n    " : ",\n    ";
    response.body += event;
    is_first = false;
  }
  response.body += is_first ? "]\n}\n" : "\n  ]\n}\n";
  return response;
}

Response action_response(Action action, bool dry_run, const ActionResult& result) {
  Json not_found = Json::array();
  for (const MessageId id : result.not_found) not_found.push_back(to_string(id));
  return json_response({{"action", to_string(action)},
                        {"dry_run", dry_run},
                        {"matched", result.matched},
                        {"changed", result.changed},
                        {"not_found", std::move(not_found)}});
}

Response config_response(const ConfigText& config) {
  return json_response({{"file", text_or_null(config.file)}, {"toml", config.toml}});
}

Response reload_response(const ReloadResult& result) {
  return json_response({{"changed", result.changed}, {"effects", result.effects}});
}

Response submit_response(const SubmitResult& result) {
  if (const auto* id = std::get_if<MessageId>(&result)) {
    Response response = json_response({{"id", to_string(*id)}});
    response.status = 201;
    response.headers.emplace_back("Location", "/api/v1/messages/" + to_string(*id));
    return response;
  }
  const Reply& reply = std::get<Reply>(result);
  const unsigned status = reply.is_permanent() ? 422 : 503;
  Response response =
      json_response({{"title", status_phrase(status)},
                     {"status", status},
                     {"detail", "the server does not take this message: " + to_display(reply)},
                     {"reply", to_display(reply)}});
  response.status = status;
  response.content_type = "application/problem+json";
  return response;
}

}  // namespace mailweir::console
