// The server's JSON about paths as a person reads it: the first line is the answer. Pure, as
// present.h.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cli/present.h"

namespace mailweir::cli {

// "Held since 17:03:12Z (22m00s): ms365 refused mx1 with 451 …; next canary in 4m28s (forecast); …"
std::string path_sentence(const nlohmann::ordered_json& path, std::string_view server_time,
                          const Style& style);

// Several pauses bind together, until the last has ended: that one. Null: it is not paused.
const nlohmann::ordered_json* last_pause(const nlohmann::ordered_json& path);
// Of paths that one pause stops: "3 paths are paused until …"
std::string paused_together(const std::vector<const nlohmann::ordered_json*>& paths,
                            const Style& style);

// What the sentence rests on: the refusal verbatim, its rule, what was learned, caps, hands.
std::string path_details(const nlohmann::ordered_json& path, std::string_view indent,
                         const Style& style);
// "diagnosis ip-blocked since …: google is silent to mx3 alone …"
std::string finding_text(const nlohmann::ordered_json& finding, const Style& style);
// What a message waits for with others: "sender_domain example.com: held since …", the refusal.
std::string cell_details(const nlohmann::ordered_json& cell, std::string_view indent,
                         const Style& style);
// "pause * → google until …: reason (who)"
std::string hand_text(const nlohmann::ordered_json& hand, const Style& style);
// The same behind its id, and how it is taken back if that is not plain.
std::string hand_line(const nlohmann::ordered_json& hand, const Style& style);
// "20 connections"
std::string connections_text(std::uint64_t connections, const Style& style);
// In the unit that makes it at least one: "4.5/s", "20.0/min".
std::string rate_text(double per_second);

// "… and 3 more paths: mailweir path list"; with the line's end, empty for none.
std::string more_paths_line(std::uint64_t more, std::string_view how, const Style& style);

std::string present_paths(const nlohmann::ordered_json& list, const Style& style);
std::string present_explained_path(const nlohmann::ordered_json& list, const Style& style);
std::string present_explained_recipient(const nlohmann::ordered_json& answer, const Style& style);
std::string present_hands(const nlohmann::ordered_json& list, const Style& style);
std::string present_hands_set(const nlohmann::ordered_json& list, const Style& style);
std::string present_taken_back(const nlohmann::ordered_json& list, const Style& style);
std::string present_forgotten(const nlohmann::ordered_json& answer, const Style& style);
std::string present_unknown_refusals(const nlohmann::ordered_json& answer, const Style& style);

}  // namespace mailweir::cli
