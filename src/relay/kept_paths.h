// What the spool keeps of paths over a restart, as small named values (docs/queue-format.md): the
// image of what was learned, and the operators' hands.
//
// Pure. A record is one version byte, the fields, and a CRC-32C over its key and all bytes before
// the checksum. Reading takes any bytes whatever and answers `corrupt` with the reason.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "engine/notice.h"
#include "engine/path_hand.h"
#include "spool/spool.h"

namespace mailweir::relay {

inline constexpr std::string_view kept_path_prefix = "path/";
inline constexpr std::string_view kept_hand_prefix = "hand/";
// What an operator has had forgotten, under the id of the hand that says so, until it is taken back
// or can be no longer.
inline constexpr std::string_view kept_forgotten_prefix = "forgotten/";
// The id of the next hand, in decimal: an id is not given twice, so that the event log is clear.
inline constexpr std::string_view next_hand_key = "hands/next";

// An image this old tells nothing of today; it is dropped at a start.
inline constexpr Duration kept_age_max = std::chrono::days(90);

struct KeptPath {
  std::string source;
  std::string provider;
  UnixTime saved{};
  std::string image;  // engine::join_image()
};

// A hand with its end on the wall clock; `hand.until` is not kept.
struct KeptHand {
  engine::PathHand hand;
  UnixTime until{};  // zero: until it is taken back
};

// "path/mx1/ms365"; '/' and '%' in a name are written as %2F and %25.
std::string kept_path_key(std::string_view source, std::string_view provider);
std::string kept_hand_key(std::uint64_t id);
// Nothing: no hand has such a key.
std::optional<std::uint64_t> hand_id(std::string_view key);
// "forgotten/17/": before the names in the keys of all that one order has forgotten.
std::string kept_forgotten_prefix_of(std::uint64_t id);
// The id in such a key, whatever stands behind it; nothing: it has none.
std::optional<std::uint64_t> forgotten_id(std::string_view key);

// An empty image erases the entry.
spool::SystemEntry to_entry(const engine::KeepPath& kept, UnixTime now);
spool::SystemEntry to_entry(const KeptHand& kept);
// `kept.saved` is when it was learned last.
spool::SystemEntry to_forgotten_entry(std::uint64_t id, const KeptPath& kept);

Result<KeptPath> read_kept_path(std::string_view key, std::string_view value);
Result<KeptHand> read_kept_hand(std::string_view key, std::string_view value);
Result<KeptPath> read_forgotten(std::string_view key, std::string_view value);

// How long ago a record was written, as far as the wall clock can be trusted: never negative, at
// most kept_age_max.
Duration age_of(UnixTime saved, UnixTime now);

}  // namespace mailweir::relay
