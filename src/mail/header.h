// The header of message content: an iterator over its fields, and the few questions a relay asks
// (RFC 5322 section 2.2).
//
// Views into the content, no allocation, any bytes are safe. Bounded: the header of hostile content
// ends where a limit is reached. Tolerates LF for CRLF. The content must outlive every view.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailweir {

struct HeaderField {
  std::string_view name;   // as written, without the colon
  std::string_view value;  // between colon and line end, folding included; see unfold()
  std::string_view whole;  // all octets of the field, its final line end included
};

// Why the fields ended.
enum class HeaderEnd : std::uint8_t {
  blank_line,   // as it should be
  no_body,      // the content ended first; legal, the body is empty
  not_a_field,  // a line that is no field: what follows counts as body
  too_large,    // bytes_max
  too_many,     // fields_max
};

class HeaderScanner {
 public:
  static constexpr std::size_t bytes_max = 100 * 1024;
  static constexpr std::size_t fields_max = 1000;

  explicit HeaderScanner(std::string_view content) : content_(content) {}

  // The next field, in order; nothing at the end, and then end() and body_offset() say how it ended
  // and where the body begins.
  std::optional<HeaderField> next();

  // Only after next() returned nothing.
  HeaderEnd end() const { return end_; }
  std::size_t body_offset() const { return body_offset_; }
  // Octets of the fields seen so far: [0, fields_size()) of the content.
  std::size_t fields_size() const { return position_; }

 private:
  std::optional<HeaderField> finish(HeaderEnd end, std::size_t body_offset);

  std::string_view content_;
  std::size_t position_ = 0;
  std::size_t fields_ = 0;
  std::size_t body_offset_ = 0;
  HeaderEnd end_ = HeaderEnd::no_body;
  bool finished_ = false;
};

// ftext of RFC 5322 section 3.6.8, at least one.
bool is_field_name(std::string_view name);

// Field names are compared without case (RFC 5322 section 1.2.2).
bool is_field(const HeaderField& field, std::string_view name);
bool has_name_prefix(const HeaderField& field, std::string_view prefix);

std::size_t count_fields(std::string_view content, std::string_view name);
// The raw value of the first field of that name.
std::optional<std::string_view> first_value(std::string_view content, std::string_view name);
// The signing domain of the first DKIM signature, its d= (RFC 6376 section 3.5), in lower case;
// empty: the content is not signed.
std::string signing_domain(std::string_view content);
// A raw value as one line: line ends dropped, white space trimmed at both ends.
std::string unfold(std::string_view value);

// Removes, in place, every field whose name begins with `name_prefix` ("X-Mailweir-"). Returns how
// many. Leaves the content alone, without a copy, when there is none.
std::size_t remove_fields(std::string& content, std::string_view name_prefix);

}  // namespace mailweir
