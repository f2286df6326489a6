// Varints and length-prefixed strings, the alphabet of what is kept (docs/queue-format.md).
//
// ByteWriter appends to a borrowed string. ByteReader borrows bytes it does not trust: the first
// thing that does not fit ends it, every later read yields zero or empty, and reason() says what it
// was; so a decoder reads straight through and asks once, at the end.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace mailweir {

class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  void byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void fixed32(std::uint32_t value);       // little-endian
  void varint(std::uint64_t value);        // LEB128: 7 bits a byte, low bits first
  void signed_varint(std::int64_t value);  // zigzag, so that small negatives stay short
  void string(std::string_view text);      // varint length, then the bytes

 private:
  std::string& out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  std::uint8_t byte();
  std::uint32_t fixed32();
  std::uint64_t varint();  // only the shortest form is taken
  std::int64_t signed_varint();
  // At most `size_max` bytes long; the view lives as long as the bytes do.
  std::string_view string(std::size_t size_max, std::string_view what);

  template <class T>
  T narrow_varint(std::string_view what) {
    const std::uint64_t value = varint();
    if (value > std::numeric_limits<T>::max()) {
      refuse(what);
      return T{};
    }
    return static_cast<T>(value);
  }

  // Ends the reading; only the first reason is kept. `why` must be a literal.
  void refuse(std::string_view why);

  bool ok() const { return reason_.empty(); }
  // Everything was read and nothing refused; bytes left over are a reason too.
  bool at_end();
  std::size_t remaining() const { return rest_.size(); }
  std::string_view reason() const { return reason_; }

 private:
  std::string_view rest_;
  std::string_view reason_;
};

}  // namespace mailweir
