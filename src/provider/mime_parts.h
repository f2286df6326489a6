// The parts of a bounce that may tell of a refusal, decoded: text and delivery status (RFC 2045,
// 2046, 3464, 6533). What a report returns of the original message is left out: it is not about the
// delivery.
//
// Pure; the input is hostile: bounded in depth and parts, each byte is looked at once, and a broken
// structure is read as one text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mailweir::provider {

struct MimePart {
  bool is_status = false;  // message/delivery-status and its like
  std::string text;        // HTML comes without its tags
};

struct MimeLimits {
  static constexpr std::size_t depth_max = 8;
  static constexpr std::size_t parts_max = 200;
};

// Of a message with a header. HTML only where there is no plain text.
std::vector<MimePart> readable_parts(std::string_view message);

}  // namespace mailweir::provider
