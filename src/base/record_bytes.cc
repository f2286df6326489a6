#include "base/record_bytes.h"

namespace mailweir {
namespace {
constexpr unsigned varint_bits_max = 63;  // shift of the tenth and last byte
}

void ByteWriter::fixed32(std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) byte(static_cast<std::uint8_t>(value >> shift));
}

void ByteWriter::varint(std::uint64_t value) {
  while (value >= 0x80) {
    byte(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  byte(static_cast<std::uint8_t>(value));
}

void ByteWriter::signed_varint(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  varint(bits << 1 ^ (value < 0 ? ~std::uint64_t{0} : 0));
}

void ByteWriter::string(std::string_view text) {
  varint(text.size());
  out_.append(text);
}

std::uint8_t ByteReader::byte() {
  if (rest_.empty()) {
    refuse("ends too early");
    return 0;
  }
  const auto value = static_cast<std::uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  return value;
}

std::uint32_t ByteReader::fixed32() {
  std::uint32_t value = 0;
  for (int shift = 0; shift < 32; shift += 8) value |= static_cast<std::uint32_t>(byte()) << shift;
  return value;
}

std::uint64_t ByteReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift <= varint_bits_max; shift += 7) {
    const std::uint8_t next = byte();
    if (shift == varint_bits_max && next > 1) break;
    value |= static_cast<std::uint64_t>(next & 0x7F) << shift;
    if ((next & 0x80) != 0) continue;
    if (next == 0 && shift > 0) break;
    return value;
  }
  refuse("number is not in its shortest form");
  return 0;
}

std::int64_t ByteReader::signed_varint() {
  const std::uint64_t bits = varint();
  return static_cast<std::int64_t>(bits >> 1 ^ ((bits & 1) != 0 ? ~std::uint64_t{0} : 0));
}

std::string_view ByteReader::string(std::size_t size_max, std::string_view what) {
  const std::uint64_t size = varint();
  if (size > size_max || size > rest_.size()) {
    refuse(what);
    return {};
  }
  const std::string_view text = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return text;
}

void ByteReader::refuse(std::string_view why) {
  if (ok()) reason_ = why;
  rest_ = {};
}

bool ByteReader::at_end() {
  if (!rest_.empty()) refuse("bytes are left over");
  return ok();
}

}  // namespace mailweir
