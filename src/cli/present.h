// The server's JSON as a person reads it at three in the morning. Pure: JSON in, text out; no clock
// (ages are counted from the server's own time). Members the server does not give are taken as
// empty, so that versions may differ.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "cli/language.h"

namespace mailweir::cli {

struct Style {
  Language language = Language::english;
  bool has_colour = false;
};

std::string present_status(const nlohmann::ordered_json& status, const Style& style);
std::string present_queue(const nlohmann::ordered_json& queue, const Style& style);
std::string present_list(const nlohmann::ordered_json& page, const Style& style);
std::string present_message(const nlohmann::ordered_json& message, const Style& style);
std::string present_trace(const nlohmann::ordered_json& trace, const Style& style);
std::string present_action(const nlohmann::ordered_json& result, const Style& style);
std::string present_reload(const nlohmann::ordered_json& result, const Style& style);

}  // namespace mailweir::cli
