#include "spool/record.h"

#include <gmock/gmock.h>

#include "spool/test_messages.h"

namespace mailweir::spool {
namespace {

using testing::make_acceptance;
using testing::make_state;

constexpr MessageId id{0x0001'0000'0000'002AULL};

StoredMessage sample() {
  return make_acceptance(id.value).message;
}

std::string encoded(const StoredMessage& message) {
  std::string record;
  encode_message(message, record);
  return record;
}

std::string encoded(const RecipientState& state) {
  std::string record;
  encode_state(id, 1, state, record);
  return record;
}

TEST(MessageRecord, DecodesToWhatWasEncoded) {
  const auto decoded = decode_message(id, encoded(sample()));
  ASSERT_TRUE(decoded) << decoded.error().context;
  EXPECT_EQ(*decoded, sample());
}

TEST(MessageRecord, KeepsACampaignWhichOlderRecordsLack) {
  StoredMessage message = sample();
  EXPECT_EQ(encoded(message).front(), 1) << "as ever";
  message.campaign = "june";
  const std::string record = encoded(message);
  EXPECT_EQ(record.front(), 2);
  const auto decoded = decode_message(id, record);
  ASSERT_TRUE(decoded) << decoded.error().context;
  EXPECT_EQ(*decoded, message);
}

TEST(MessageRecord, KeepsTheNullReversePathAndUnsetTimes) {
  StoredMessage message;
  message.id = id;
  message.envelope.recipients.resize(1);
  const auto decoded = decode_message(id, encoded(message));
  ASSERT_TRUE(decoded) << decoded.error().context;
  EXPECT_EQ(*decoded, message);
  EXPECT_TRUE(decoded->envelope.reverse_path.is_null());
}

TEST(MessageRecord, KeepsTimesBeforeTheEpochAndAtTheEndOfTime) {
  StoredMessage message = sample();
  message.received_at = UnixTime::min();
  message.expires_at = UnixTime::max();
  message.not_before = UnixTime(Duration(-1));
  const auto decoded = decode_message(id, encoded(message));
  ASSERT_TRUE(decoded) << decoded.error().context;
  EXPECT_EQ(*decoded, message);
}

TEST(MessageRecord, EveryFlippedBitIsFoundOut) {
  const std::string record = encoded(sample());
  for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
    std::string flipped = record;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto decoded = decode_message(id, flipped);
    ASSERT_FALSE(decoded) << "bit " << bit;
    EXPECT_EQ(decoded.error().code, Errc::corrupt);
  }
}

TEST(MessageRecord, EveryTornRecordIsFoundOut) {
  const std::string record = encoded(sample());
  for (std::size_t size = 0; size < record.size(); ++size) {
    const auto decoded = decode_message(id, std::string_view(record).substr(0, size));
    ASSERT_FALSE(decoded) << "size " << size;
    EXPECT_EQ(decoded.error().code, Errc::corrupt);
  }
}

TEST(MessageRecord, StoredUnderAnotherKeyIsFoundOut) {
  const auto decoded = decode_message(MessageId{id.value + 1}, encoded(sample()));
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, Errc::corrupt);
}

// Replaces the fields of a record and makes its checksum right again.
std::string forged(std::string fields) {
  const std::uint32_t checksum = crc32c(fields, crc32c(MessageKey(id).bytes()));
  for (int shift = 0; shift < 32; shift += 8) {
    fields.push_back(static_cast<char>(checksum >> shift));
  }
  return fields;
}

std::string fields_of_sample() {
  std::string record = encoded(sample());
  record.resize(record.size() - 4);
  return record;
}

TEST(MessageRecord, ForgedFieldsWithARightChecksumAreAccepted) {
  ASSERT_TRUE(decode_message(id, forged(fields_of_sample())));
}

TEST(MessageRecord, NamesTheVersionItDoesNotKnow) {
  std::string fields = fields_of_sample();
  fields[0] = 9;
  const auto decoded = decode_message(id, forged(fields));
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().context, ::testing::HasSubstr("version 9"));
}

TEST(MessageRecord, RefusesACampaignWithoutAName) {
  std::string fields = fields_of_sample();
  fields[0] = 2;
  EXPECT_FALSE(decode_message(id, forged(fields))) << "none at all";
  fields.push_back('\0');
  const auto decoded = decode_message(id, forged(fields));
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().context, ::testing::HasSubstr("empty campaign"));
}

TEST(MessageRecord, RefusesBytesLeftOver) {
  const auto decoded = decode_message(id, forged(fields_of_sample() + '\0'));
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().context, ::testing::HasSubstr("left over"));
}

TEST(MessageRecord, RefusesUnknownFlags) {
  std::string fields = fields_of_sample();
  fields[1] = static_cast<char>(0x10);
  EXPECT_FALSE(decode_message(id, forged(fields)));
  fields[1] = static_cast<char>(0x0C);  // the fourth, unused RET value
  EXPECT_FALSE(decode_message(id, forged(fields)));
}

TEST(MessageRecord, ReservesNoMoreRecipientsThanBytesCouldHold) {
  StoredMessage message;
  message.id = id;
  std::string fields = encoded(message);
  fields.resize(fields.size() - 4 - 1);  // without checksum and the recipient count
  fields.append("\xFF\xFF\x03");         // 65,535
  const auto decoded = decode_message(id, forged(fields));
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().context, ::testing::HasSubstr("more recipients than bytes"));
}

TEST(StateRecord, DecodesToWhatWasEncoded) {
  const auto decoded = decode_state(id, 1, encoded(make_state(3)));
  ASSERT_TRUE(decoded) << decoded.error().context;
  EXPECT_EQ(*decoded, make_state(3));
}

TEST(StateRecord, CutsALongReplyText) {
  RecipientState state = make_state(1);
  state.reply_text.assign(5000, 'x');
  const auto decoded = decode_state(id, 1, encoded(state));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->reply_text, std::string(reply_text_max, 'x'));
}

TEST(StateRecord, EveryFlippedBitAndOtherKeyIsFoundOut) {
  const std::string record = encoded(make_state(3));
  for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
    std::string flipped = record;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_FALSE(decode_state(id, 1, flipped)) << "bit " << bit;
  }
  EXPECT_FALSE(decode_state(id, 0, record));
  EXPECT_FALSE(decode_state(MessageId{7}, 1, record));
}

TEST(Keys, SortAsTheirNumbersDo) {
  EXPECT_LT(MessageKey(MessageId{255}).bytes(), MessageKey(MessageId{256}).bytes());
  EXPECT_LT(StateKey(MessageId{1}, 65'535).bytes(), StateKey(MessageId{2}, 0).bytes());
  EXPECT_LT(StateKey(MessageId{1}, 255).bytes(), StateKey(MessageId{1}, 256).bytes());
}

TEST(Keys, ParseToWhatTheyWereMadeOf) {
  const auto parts = parse_state_key(StateKey(id, 513).bytes());
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->id, id);
  EXPECT_EQ(parts->recipient, 513);
  EXPECT_EQ(parse_message_key(MessageKey(id).bytes()).value(), id);
  EXPECT_FALSE(parse_message_key("short"));
  EXPECT_FALSE(parse_state_key("too long for a key"));
}

}  // namespace
}  // namespace mailweir::spool
