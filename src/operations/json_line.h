// A JsonLine is one JSON object written straight into a buffer that is used again: the event log's
// hot path.
//
// Strings may hold any bytes: control characters are escaped, and what is not UTF-8 becomes U+FFFD,
// so that every line is valid JSON whatever a peer sent. Keys are trusted literals. Not
// thread-safe.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace mailweir::operations {

class JsonLine {
 public:
  // Starts a new object; the buffer's memory is kept.
  void begin();
  // Closes the object and ends the line; valid until the next begin().
  std::string_view end();

  void field(std::string_view key, std::string_view value);
  void field(std::string_view key, const char* value) { field(key, std::string_view(value)); }
  void field(std::string_view key, bool value);
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  void field(std::string_view key, T value) {
    unsigned_field(key, value);
  }
  void field(std::string_view key, double value);   // null unless it is finite
  void field(std::string_view key, UnixTime time);  // RFC 3339, UTC, milliseconds
  // A field whose empty value is left out.
  void field_if(std::string_view key, std::string_view value) {
    if (!value.empty()) field(key, value);
  }
  void milliseconds_field(std::string_view key, Duration value);

  void begin_array(std::string_view key);
  void element(std::string_view value);
  void end_array();
  void begin_object(std::string_view key);
  void end_object();

 private:
  void key(std::string_view name);
  void unsigned_field(std::string_view key, std::uint64_t value);
  void quoted(std::string_view text);
  void escape_rest(std::string_view text, std::size_t from);
  void separate();

  std::string text_;
  bool is_first_ = true;
  // The rendered second is kept: within a busy second only the milliseconds are written anew.
  std::int64_t second_ = INT64_MIN;
  char second_text_[20] = {};
};

}  // namespace mailweir::operations
