// Reading the server's JSON without believing that everything is there. For the present_*.cc files
// only.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/layout.h"
#include "cli/present.h"

namespace mailweir::cli {

using Json = nlohmann::ordered_json;  // members in the order the server gives them

// A member that is absent or of another kind reads as empty.
const Json& member(const Json& json, const char* name);
std::string raw_text(const Json& json, const char* name);    // a string member, as it is
std::string shown_text(const Json& json, const char* name);  // the same, safe for a terminal
std::uint64_t number(const Json& json, const char* name);
bool is_set(const Json& json, const char* name);
bool has_value(const Json& json, const char* name);  // present and not null

enum class Colour : std::uint8_t { none, red, green, yellow, dim, bold };
std::string coloured(std::string_view text, Colour colour, const Style& style);
Colour colour_of_state(std::string_view state);
std::string state_text(std::string_view state, const Style& style);

// "in 45s" / "3m12s ago" by the difference of two RFC 3339 times; the time itself when one of them
// is none.
std::string relative_text(std::string_view time, std::string_view server_time, const Style& style);
// "deferred: next try in 45s, attempts: 2, microsoft" and below it the last reply, verbatim, line
// by line.
std::string state_lines(const Json& recipient, std::string_view server_time,
                        std::string_view indent, const Style& style);
// Each line of a reply behind its code; empty when there was none.
std::string reply_lines(std::uint64_t code, std::string_view text, std::string_view indent);

}  // namespace mailweir::cli
