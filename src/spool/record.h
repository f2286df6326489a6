// The byte form of what the spool keeps of a message and of a recipient (docs/queue-format.md).
//
// A record is one version byte, the fields, and a CRC-32C over its key and all bytes before the
// checksum; so a record that was torn, flipped, or stored under another key is found out. Decoding
// takes any bytes whatever: it never reads outside them, allocates no more than they justify, and
// answers `corrupt` with the reason.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "mail/stored_message.h"

namespace mailweir::spool {

inline constexpr std::size_t reply_text_max = 200;  // bytes of a reply a state record keeps

// Appends the record to `out`. At most 65,535 recipients.
void encode_message(const StoredMessage& message, std::string& out);
// The id is the record's key, hence not part of it.
Result<StoredMessage> decode_message(MessageId id, std::string_view record);

// Appends the record to `out`; a longer reply text is cut at reply_text_max.
void encode_state(MessageId id, std::uint16_t recipient, const RecipientState& state,
                  std::string& out);
Result<RecipientState> decode_state(MessageId id, std::uint16_t recipient, std::string_view record);

// Keys sort as their numbers do: 8 bytes id, for a state followed by 2 bytes recipient, big-endian.
inline constexpr std::size_t message_key_size = 8;
inline constexpr std::size_t state_key_size = 10;

struct MessageKey {
  explicit MessageKey(MessageId id);
  std::string_view bytes() const { return {data, message_key_size}; }
  char data[message_key_size];
};

struct StateKey {
  StateKey(MessageId id, std::uint16_t recipient);
  std::string_view bytes() const { return {data, state_key_size}; }
  char data[state_key_size];
};

struct StateKeyParts {
  MessageId id;
  std::uint16_t recipient = 0;
};

// Fail with `corrupt` on a key of another length.
Result<MessageId> parse_message_key(std::string_view key);
Result<StateKeyParts> parse_state_key(std::string_view key);

}  // namespace mailweir::spool
