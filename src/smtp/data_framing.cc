#include "smtp/data_framing.h"

#include <algorithm>
#include <cstring>

#include "smtp/command.h"

namespace mailweir::smtp {
namespace {

bool contains(std::string_view text, char c) {
  return !text.empty() && std::memchr(text.data(), c, text.size()) != nullptr;
}

// What one pass without early exit, which the compiler vectorises, finds out about a whole read.
struct Survey {
  bool has_strict_lines =
      true;  // every CR has its LF and every LF its CR; the first and the last octet are not judged
  bool has_nul = false;
  bool has_eight_bit = false;
};

Survey survey(std::string_view text) {
  unsigned char unpaired = 0;
  unsigned char nul = 0;
  unsigned char all = 0;
  const auto note = [&](char c) {
    nul = static_cast<unsigned char>(nul | (c == '\0'));
    all = static_cast<unsigned char>(all | static_cast<unsigned char>(c));
  };
  if (!text.empty()) note(text.front());
  for (std::size_t i = 1; i < text.size(); ++i) {
    unpaired = static_cast<unsigned char>(unpaired | ((text[i] == '\n') != (text[i - 1] == '\r')));
    note(text[i]);
  }
  return {.has_strict_lines = unpaired == 0, .has_nul = nul != 0, .has_eight_bit = all > 127};
}

}  // namespace

Reply reply_for(DataFault fault) {
  switch (fault) {
    case DataFault::bare_carriage_return:
      return reply_of("550 5.5.2 Bare CR in the message: every line must end in CR LF");
    case DataFault::bare_line_feed:
      return reply_of("550 5.5.2 Bare LF in the message: every line must end in CR LF");
    case DataFault::nul:
      return reply_of("550 5.5.2 NUL in the message");
    case DataFault::line_too_long:
      return reply_of("554 5.6.0 A line of the message is longer than 998 octets");
    case DataFault::too_big:
      return reply_of("552 5.3.4 Message too big");
  }
  return reply_of("554 5.6.0 Bad message");
}

DataFraming::Step DataFraming::decode(std::string_view input, std::string& content) {
  const auto found = survey(input);
  may_have_nul_ = found.has_nul;
  may_have_eight_bit_ = found.has_eight_bit;
  std::size_t at = 0;
  bool is_complete = false;
  while (at < input.size() && !is_complete) {
    if (place_ == Place::line_start) take_whole_lines(input, found.has_strict_lines, at, content);
    if (place_ == Place::in_line) take_line_octets(input, at, content);
    if (at < input.size()) is_complete = take_octet(input[at], at, content);
  }
  octets_ += at;
  return {.consumed = at, .is_complete = is_complete};
}

// Nearly all of nearly every message: faultless whole lines, appended as one run.
void DataFraming::take_whole_lines(std::string_view input, bool is_strict, std::size_t& at,
                                   std::string& content) {
  const std::size_t run = at;
  while (at < input.size() && input[at] != '.') {
    const char* line = input.data() + at;
    const auto* line_feed = static_cast<const char*>(std::memchr(line, '\n', input.size() - at));
    if (line_feed == nullptr || line_feed == line) break;
    const auto length = static_cast<std::size_t>(line_feed - line) - 1;
    if (length > limits_.line_max) break;
    if (!is_strict && (line_feed[-1] != '\r' || contains({line, length}, '\r'))) break;
    at += length + 2;
  }
  append(input.substr(run, at - run), content);
}

void DataFraming::take_line_octets(std::string_view input, std::size_t& at, std::string& content) {
  const auto rest = input.substr(at);
  const auto line = rest.substr(0, rest.find('\n'));
  const auto octets = line.substr(0, line.find('\r'));
  line_octets_ += octets.size();
  if (line_octets_ > limits_.line_max) set_fault(DataFault::line_too_long);
  append(octets, content);
  at += octets.size();
}

// Takes one octet where the fast ways stopped, or only changes the place and leaves the octet to
// them. True at the end of data.
bool DataFraming::take_octet(char c, std::size_t& at, std::string& content) {
  switch (place_) {
    case Place::line_start:
    case Place::soft_line_start:
      line_octets_ = 0;
      if (c == '.') {
        place_ = place_ == Place::line_start ? Place::after_dot : Place::after_soft_dot;
        ++at;
      } else {
        place_ = Place::in_line;
      }
      return false;
    case Place::in_line:
      ++at;
      if (c == '\r') {
        place_ = Place::after_cr;
      } else {
        take_line_feed(content);
      }
      return false;
    case Place::after_cr:
      if (c == '\n') {
        append("\r\n", content);
        place_ = Place::line_start;
        ++at;
        return false;
      }
      set_fault(DataFault::bare_carriage_return);
      place_ = Place::in_line;  // where a second CR is looked at anew
      return false;
    case Place::after_dot:
      if (c == '\r') {
        place_ = Place::after_dot_cr;
        ++at;
        return false;
      }
      if (c == '\n') append(".", content);  // not stuffing: the line is a dot that a bare LF ends
      place_ = Place::in_line;
      return false;
    case Place::after_dot_cr:
      if (c == '\n') {
        ++at;
        return true;
      }
      set_fault(DataFault::bare_carriage_return);
      place_ = Place::in_line;
      return false;
    case Place::after_soft_dot:
      if (c != '.') {
        append(".", content);
        line_octets_ = 1;
      }
      place_ = Place::in_line;
      return false;
  }
  return false;
}

void DataFraming::take_line_feed(std::string& content) {
  if (!limits_.normalizes_line_feed) {
    set_fault(DataFault::bare_line_feed);
    return;  // still inside the line: what follows cannot begin the end
  }
  append("\r\n", content);
  place_ = Place::soft_line_start;
}

void DataFraming::append(std::string_view octets, std::string& content) {
  if (fault_ || octets.empty()) return;
  if (may_have_nul_ && contains(octets, '\0')) return set_fault(DataFault::nul);
  if (size_ + octets.size() > limits_.size_max) return set_fault(DataFault::too_big);
  if (may_have_eight_bit_ && !has_eight_bit_) has_eight_bit_ = survey(octets).has_eight_bit;
  size_ += octets.size();
  content.append(octets);
}

void DataFraming::set_fault(DataFault fault) {
  if (!fault_) fault_ = fault;
}

}  // namespace mailweir::smtp
