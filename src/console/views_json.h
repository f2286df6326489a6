// The answers of the AdminPort as JSON: the stable schema of docs/http-api.md. For admin_api.cc
// only.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "console/admin_port.h"
#include "console/http_message.h"

namespace mailweir::console {

// Rows are the fullest first; those over `rows_max` are left out and counted in `…_total`.
Response status_response(const ServerStatus& status, const Health& health, std::size_t rows_max);
Response queue_response(const QueueSummary& summary, engine::QueueKey key, std::size_t rows_max);
// `count` as asked of the port: fewer recipients mean that this page is the last.
Response list_response(const RecipientPage& page, std::size_t count);
// Headers may hold what is nobody's business: only an operator sees them.
Response message_response(const MessageDetail& detail, bool with_headers);
Response trace_response(MessageId id, const std::vector<std::string>& events);
Response action_response(Action action, bool dry_run, const ActionResult& result);
Response config_response(const ConfigText& config);
Response reload_response(const ReloadResult& result);
Response submit_response(const SubmitResult& result);

// Two spaces of indentation, a final newline, bytes that are not UTF-8 replaced.
Response json_response(const nlohmann::ordered_json& body);

}  // namespace mailweir::console
