// Spool records: any bytes decode or are refused; what decodes is encoded back to the same bytes,
// so there is one form of each record. Half of the inputs get a right checksum, to come behind it.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/crc32c.h"
#include "spool/record.h"

using namespace mailweir;

namespace {

constexpr MessageId id{42};
constexpr std::uint16_t recipient = 1;

std::string with_checksum(std::string_view fields, std::string_view key) {
  std::string record(fields);
  const std::uint32_t checksum = crc32c(record, crc32c(key));
  for (int shift = 0; shift < 32; shift += 8) {
    record.push_back(static_cast<char>(checksum >> shift));
  }
  return record;
}

void try_message(const std::string& record) {
  const auto message = spool::decode_message(id, record);
  if (!message) return WEIR_ASSERT(message.error().code == Errc::corrupt);
  std::string again;
  spool::encode_message(*message, again);
  WEIR_ASSERT(again == record);
}

void try_state(const std::string& record) {
  const auto state = spool::decode_state(id, recipient, record);
  if (!state) return WEIR_ASSERT(state.error().code == Errc::corrupt);
  std::string again;
  spool::encode_state(id, recipient, *state, again);
  WEIR_ASSERT(again == record);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool is_message = (data[0] & 1) != 0;
  if ((data[0] & 2) != 0) {
    is_message ? try_message(std::string(bytes)) : try_state(std::string(bytes));
  } else if (is_message) {
    try_message(with_checksum(bytes, spool::MessageKey(id).bytes()));
  } else {
    try_state(with_checksum(bytes, spool::StateKey(id, recipient).bytes()));
  }
  static_cast<void>(spool::parse_message_key(bytes));
  static_cast<void>(spool::parse_state_key(bytes));
  return 0;
}
