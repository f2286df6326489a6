#include "spool/record.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/record_bytes.h"

namespace mailweir::spool {
namespace {

constexpr std::uint8_t message_version = 1;
constexpr std::uint8_t message_version_campaign = 2;  // the same, and then a campaign
constexpr std::uint8_t state_version = 1;
constexpr std::size_t checksum_size = 4;
constexpr std::size_t recipients_max = 65'535;
constexpr std::size_t local_part_max = 64;     // RFC 5321 section 4.5.3.1.1
constexpr std::size_t domain_max = 255;        // RFC 5321 section 4.5.3.1.2
constexpr std::size_t recipient_size_min = 4;  // two empty strings, notify, one empty string

constexpr std::uint8_t flag_eight_bit_mime = 1;
constexpr std::uint8_t flag_smtputf8 = 2;
constexpr std::uint8_t dsn_return_shift = 2;
constexpr std::uint8_t flags_known = 0x0F;

void put_mailbox(ByteWriter& out, const Mailbox& mailbox) {
  out.string(mailbox.local_part());
  out.string(mailbox.domain());
}

void put_checksum(ByteWriter& out, std::string_view key, std::string_view record) {
  out.fixed32(crc32c(record, crc32c(key)));
}

Mailbox take_mailbox(ByteReader& in) {
  const std::string_view local_part = in.string(local_part_max, "local-part");
  const std::string_view domain = in.string(domain_max, "domain");
  if (local_part.empty() && domain.empty()) return {};
  return Mailbox::from_parts(local_part, domain);
}

UnixTime take_time(ByteReader& in) {
  return UnixTime(Duration(in.signed_varint()));
}

template <class E>
E take_enum(ByteReader& in, E last, std::string_view what) {
  const std::uint8_t value = in.byte();
  if (value > static_cast<std::uint8_t>(last)) in.refuse(what);
  return static_cast<E>(value);
}

void take_flags(ByteReader& in, Envelope& envelope) {
  const std::uint8_t flags = in.byte();
  const auto dsn_return = static_cast<std::uint8_t>((flags & flags_known) >> dsn_return_shift);
  if ((flags & ~flags_known) != 0 || dsn_return > static_cast<std::uint8_t>(DsnReturn::headers)) {
    in.refuse("unknown flags");
  }
  if ((flags & flag_eight_bit_mime) != 0) envelope.body = BodyType::eight_bit_mime;
  envelope.smtputf8 = (flags & flag_smtputf8) != 0;
  envelope.dsn_return = static_cast<DsnReturn>(dsn_return);
}

void take_recipients(ByteReader& in, std::vector<Recipient>& recipients) {
  const std::uint64_t count = in.varint();
  if (count > recipients_max || count > in.remaining() / recipient_size_min) {
    return in.refuse("more recipients than bytes");
  }
  recipients.reserve(count);
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    Recipient recipient;
    recipient.mailbox = take_mailbox(in);
    constexpr auto every_notify =
        DsnNotify::never | DsnNotify::success | DsnNotify::failure | DsnNotify::delay;
    recipient.notify = take_enum(in, every_notify, "unknown NOTIFY");
    recipient.original_recipient = in.string(in.remaining(), "ORCPT");
    recipients.push_back(std::move(recipient));
  }
}

// The fields between version and checksum, once the checksum holds.
Result<std::string_view> checked_fields(std::string_view key, std::string_view record,
                                        std::uint8_t version) {
  if (record.size() < 1 + checksum_size) {
    return fail(Errc::corrupt, fmt::format("record of {} bytes is too short", record.size()));
  }
  const std::string_view covered = record.substr(0, record.size() - checksum_size);
  ByteReader tail(record.substr(covered.size()));
  if (tail.fixed32() != crc32c(covered, crc32c(key))) {
    return fail(Errc::corrupt, "record checksum does not match");
  }
  const auto found = static_cast<std::uint8_t>(covered.front());
  if (found != version) {
    return fail(Errc::corrupt, fmt::format("record version {} is unknown here", found));
  }
  return covered.substr(1);
}

Error record_error(const ByteReader& in) {
  return Error{Errc::corrupt, fmt::format("record: {}", in.reason())};
}

}  // namespace

void encode_message(const StoredMessage& message, std::string& out) {
  const Envelope& envelope = message.envelope;
  WEIR_ASSERT(envelope.recipients.size() <= recipients_max);
  const std::size_t begin = out.size();
  ByteWriter bytes(out);
  bytes.byte(message.campaign.empty() ? message_version : message_version_campaign);
  unsigned flags = envelope.body == BodyType::eight_bit_mime ? flag_eight_bit_mime : 0U;
  if (envelope.smtputf8) flags |= flag_smtputf8;
  flags |= static_cast<unsigned>(envelope.dsn_return) << dsn_return_shift;
  bytes.byte(static_cast<std::uint8_t>(flags));
  bytes.fixed32(message.body_crc32c);
  bytes.varint(message.body_size);
  for (const UnixTime time :
       {message.received_at, message.not_before, message.expires_at, message.deadline}) {
    bytes.signed_varint(time.time_since_epoch().count());
  }
  bytes.string(message.message_class);
  bytes.string(message.tenant);
  bytes.string(message.pool);
  bytes.string(message.client);
  bytes.string(envelope.envelope_id);
  put_mailbox(bytes, envelope.reverse_path.mailbox);
  bytes.varint(envelope.recipients.size());
  for (const Recipient& recipient : envelope.recipients) {
    put_mailbox(bytes, recipient.mailbox);
    bytes.byte(static_cast<std::uint8_t>(recipient.notify));
    bytes.string(recipient.original_recipient);
  }
  if (!message.campaign.empty()) bytes.string(message.campaign);
  put_checksum(bytes, MessageKey(message.id).bytes(), std::string_view(out).substr(begin));
}

Result<StoredMessage> decode_message(MessageId id, std::string_view record) {
  const bool has_campaign =
      !record.empty() && static_cast<std::uint8_t>(record.front()) == message_version_campaign;
  WEIR_TRY(const std::string_view fields,
           checked_fields(MessageKey(id).bytes(), record,
                          has_campaign ? message_version_campaign : message_version));
  ByteReader in(fields);
  StoredMessage message;
  message.id = id;
  take_flags(in, message.envelope);
  message.body_crc32c = in.fixed32();
  message.body_size = in.narrow_varint<std::uint32_t>("body size");
  message.received_at = take_time(in);
  message.not_before = take_time(in);
  message.expires_at = take_time(in);
  message.deadline = take_time(in);
  for (std::string* text : {&message.message_class, &message.tenant, &message.pool, &message.client,
                            &message.envelope.envelope_id}) {
    *text = in.string(in.remaining(), "text");
  }
  message.envelope.reverse_path.mailbox = take_mailbox(in);
  take_recipients(in, message.envelope.recipients);
  if (has_campaign) {
    message.campaign = in.string(in.remaining(), "campaign");
    if (message.campaign.empty()) in.refuse("empty campaign");
  }
  if (!in.at_end()) return std::unexpected(record_error(in));
  return message;
}

void encode_state(MessageId id, std::uint16_t recipient, const RecipientState& state,
                  std::string& out) {
  const std::size_t begin = out.size();
  ByteWriter bytes(out);
  bytes.byte(state_version);
  bytes.byte(static_cast<std::uint8_t>(state.disposition));
  bytes.varint(state.attempts);
  bytes.signed_varint(state.due.time_since_epoch().count());
  bytes.varint(state.reply_code);
  bytes.string(std::string_view(state.reply_text).substr(0, reply_text_max));
  put_checksum(bytes, StateKey(id, recipient).bytes(), std::string_view(out).substr(begin));
}

Result<RecipientState> decode_state(MessageId id, std::uint16_t recipient,
                                    std::string_view record) {
  WEIR_TRY(const std::string_view fields,
           checked_fields(StateKey(id, recipient).bytes(), record, state_version));
  ByteReader in(fields);
  RecipientState state;
  state.disposition = take_enum(in, Disposition::deleted, "unknown disposition");
  state.attempts = in.narrow_varint<std::uint16_t>("attempts");
  state.due = take_time(in);
  state.reply_code = in.narrow_varint<std::uint16_t>("reply code");
  state.reply_text = in.string(reply_text_max, "reply text");
  if (!in.at_end()) return std::unexpected(record_error(in));
  return state;
}

MessageKey::MessageKey(MessageId id) {
  for (std::size_t i = 0; i < message_key_size; ++i) {
    data[i] = static_cast<char>(id.value >> (8 * (message_key_size - 1 - i)));
  }
}

StateKey::StateKey(MessageId id, std::uint16_t recipient) {
  MessageKey(id).bytes().copy(data, message_key_size);
  data[message_key_size] = static_cast<char>(recipient >> 8);
  data[message_key_size + 1] = static_cast<char>(recipient);
}

Result<MessageId> parse_message_key(std::string_view key) {
  if (key.size() != message_key_size) return fail(Errc::corrupt, "message key has a wrong length");
  std::uint64_t value = 0;
  for (const char c : key) value = value << 8 | static_cast<unsigned char>(c);
  return MessageId{value};
}

Result<StateKeyParts> parse_state_key(std::string_view key) {
  if (key.size() != state_key_size) return fail(Errc::corrupt, "state key has a wrong length");
  WEIR_TRY(const MessageId id, parse_message_key(key.substr(0, message_key_size)));
  const auto high = static_cast<unsigned char>(key[message_key_size]);
  const auto low = static_cast<unsigned char>(key[message_key_size + 1]);
  return StateKeyParts{id, static_cast<std::uint16_t>(high << 8 | low)};
}

}  // namespace mailweir::spool
