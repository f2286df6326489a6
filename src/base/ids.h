// Strong identifiers: each names one kind of thing and converts to no other.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mailweir {

template <class Tag, class Rep>
struct Id {
  Rep value{};
  friend constexpr auto operator<=>(const Id&, const Id&) = default;
};

// A queued message: 16 bits partition, 48 bits sequence; never reused (docs/queue-format.md). Zero
// names none.
using MessageId = Id<struct MessageIdTag, std::uint64_t>;
// One SMTP session we hold as a client, and one mail transaction in it. Unique within a run of the
// process.
using SessionId = Id<struct SessionIdTag, std::uint64_t>;
using TransactionId = Id<struct TransactionIdTag, std::uint64_t>;

// The text a person sees and types: 13 characters of Crockford base32, e.g. "0000000001K3Z".
std::string to_string(MessageId id);
// Accepts lower case and the letters people mistake (O for 0, I and L for 1); empty when it is no
// message id.
std::optional<MessageId> parse_message_id(std::string_view text);

}  // namespace mailweir

template <class Tag, class Rep>
struct std::hash<mailweir::Id<Tag, Rep>> {
  std::size_t operator()(const mailweir::Id<Tag, Rep>& id) const noexcept {
    // Sequential ids would fill neighbouring buckets; the multiplier spreads them (Fibonacci
    // hashing).
    return static_cast<std::size_t>(id.value * 0x9E3779B97F4A7C15ULL);
  }
};
