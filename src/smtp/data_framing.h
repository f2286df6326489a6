// DataFraming turns the octets that follow DATA into message content (RFC 5321 section 4.5.2),
// however they are cut into reads.
//
// Pure and incremental. The one and only end is CR LF "." CR LF, with the CR LF of the DATA command
// line counting as the first: no other sequence ends the content, ever, whatever was found wrong
// before. A bare CR, a bare LF or a NUL poisons the message: the framing goes on to the true end,
// and the whole message is refused there (SMTP smuggling, CVE-2023-51764 and relatives).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mail/reply.h"

namespace mailweir::smtp {

enum class DataFault : std::uint8_t {
  bare_carriage_return,
  bare_line_feed,
  nul,
  line_too_long,
  too_big
};

// The reply that refuses a message for `fault`.
Reply reply_for(DataFault fault);

struct DataLimits {
  std::uint64_t size_max = 0;  // octets of content, dots unstuffed
  std::size_t line_max = 998;  // octets of a line without its CRLF (RFC 5322 section 2.1.1)
  bool normalizes_line_feed =
      false;  // a bare LF becomes CRLF (listed injectors only); it still ends nothing
};

class DataFraming {
 public:
  explicit DataFraming(DataLimits limits) : limits_(limits) {}

  struct Step {
    std::size_t consumed = 0;  // octets of the input taken; all of it unless the end was found
    bool is_complete = false;  // the end was found, right behind `consumed`
  };

  // Takes `input` and appends the content in it to `content`; appends nothing more once there is a
  // fault.
  Step decode(std::string_view input, std::string& content);

  // What is wrong with the content so far: the first fault found.
  std::optional<DataFault> fault() const { return fault_; }
  // Whether an octet above 127 was seen in content that was kept.
  bool has_eight_bit() const { return has_eight_bit_; }
  // Octets of raw input taken so far.
  std::uint64_t octets() const { return octets_; }

 private:
  enum class Place : std::uint8_t {
    line_start,  // behind a CRLF: a dot may begin the end
    in_line,
    after_cr,         // a CR that is not yet known to be bare
    after_dot,        // a dot at line_start: the end, or stuffing
    after_dot_cr,     // the end if LF follows
    soft_line_start,  // behind a normalized bare LF: a dot may be stuffing, never the end
    after_soft_dot,
  };

  void take_whole_lines(std::string_view input, bool is_strict, std::size_t& at,
                        std::string& content);
  void take_line_octets(std::string_view input, std::size_t& at, std::string& content);
  bool take_octet(char c, std::size_t& at, std::string& content);
  void take_line_feed(std::string& content);
  void append(std::string_view octets, std::string& content);
  void set_fault(DataFault fault);

  DataLimits limits_;
  Place place_ = Place::line_start;
  std::optional<DataFault> fault_;
  bool has_eight_bit_ = false;
  bool may_have_nul_ = false;        // the input under way has one, maybe behind the end
  bool may_have_eight_bit_ = false;  // likewise
  std::size_t line_octets_ = 0;      // of the line under way
  std::uint64_t size_ = 0;           // of the content
  std::uint64_t octets_ = 0;
};

}  // namespace mailweir::smtp
