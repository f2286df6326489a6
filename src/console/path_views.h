// The answers of the PathPort as JSON: the stable schema of docs/http-api.md#paths.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "console/http_message.h"
#include "console/path_port.h"

namespace mailweir::console {

nlohmann::ordered_json findings_json(const std::vector<engine::FindingView>& findings,
                                     const Moment& moment);
nlohmann::ordered_json path_json(const ExplainedPath& path, const Moment& moment);

Response paths_response(const PathList& list);
Response recipient_explanation_response(const RecipientExplanation& explanation);
Response hands_response(const HandList& list);
Response forgotten_response(const ForgottenPaths& forgotten);
Response unknown_refusals_response(const UnknownRefusalList& list);

}  // namespace mailweir::console
