// What the spool keeps of paths: any bytes are read or refused; what is read is written back to the
// same bytes. Half of the inputs get a right checksum, to come behind it.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/crc32c.h"
#include "relay/kept_paths.h"

using namespace mailweir;

namespace {

std::string with_checksum(std::string_view fields, std::string_view key) {
  std::string record(fields);
  const std::uint32_t checksum = crc32c(record, crc32c(key));
  for (int shift = 0; shift < 32; shift += 8)
    record.push_back(static_cast<char>(checksum >> shift));
  return record;
}

void try_path(std::string_view key, const std::string& value) {
  const auto kept = relay::read_kept_path(key, value);
  if (!kept) return WEIR_ASSERT(kept.error().code == Errc::corrupt);
  static_cast<void>(relay::age_of(kept->saved, UnixTime(std::chrono::hours(500'000))));
  const auto again =
      relay::to_entry(engine::KeepPath{kept->source, kept->provider, kept->image}, kept->saved);
  WEIR_ASSERT(again.key == key && (again.value == value || kept->image.empty()));
}

void try_hand(std::string_view key, const std::string& value) {
  const auto kept = relay::read_kept_hand(key, value);
  if (!kept) return WEIR_ASSERT(kept.error().code == Errc::corrupt);
  const auto again = relay::to_entry(*kept);
  WEIR_ASSERT(again.key == key && again.value == value);
}

void try_forgotten(std::string_view key, const std::string& value) {
  const auto kept = relay::read_forgotten(key, value);
  if (!kept) return WEIR_ASSERT(kept.error().code == Errc::corrupt);
  const auto id = relay::forgotten_id(key);
  WEIR_ASSERT(id);
  const auto again = relay::to_forgotten_entry(*id, *kept);
  WEIR_ASSERT(again.key == key && again.value == value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool is_path = (data[0] & 1) != 0;
  const bool is_forgotten = is_path && (data[0] & 4) != 0;
  const std::string_view key = is_forgotten ? "forgotten/7/mx1/127.0.0.1:25"
                               : is_path    ? "path/mx1/127.0.0.1:25"
                                            : "hand/7";
  const std::string value = (data[0] & 2) != 0 ? std::string(bytes) : with_checksum(bytes, key);
  if (is_forgotten) {
    try_forgotten(key, value);
  } else {
    is_path ? try_path(key, value) : try_hand(key, value);
  }
  // Any key, too.
  static_cast<void>(relay::read_forgotten(bytes, value));
  const std::string named = "forgotten/7/" + std::string(bytes.substr(0, bytes.size() / 2));
  try_forgotten(named, with_checksum(bytes.substr(bytes.size() / 2), named));
  static_cast<void>(relay::read_kept_path(bytes, value));
  static_cast<void>(relay::read_kept_hand(bytes, value));
  return 0;
}
