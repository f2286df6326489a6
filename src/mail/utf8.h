// UTF-8 as RFC 3629 allows it: shortest form only, no surrogates, nothing above U+10FFFF.
//
// Pure functions; any bytes are safe to pass.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mailweir {

bool is_ascii(std::string_view text);
bool is_valid_utf8(std::string_view text);

// One character cut from the front of a text: `length` octets, 0 when the front is no valid UTF-8
// (or the text is empty).
struct Utf8Character {
  char32_t code_point = 0;
  std::size_t length = 0;
};
Utf8Character first_character(std::string_view text);

// The longest front of at most `size_max` octets that cuts no character.
std::string_view utf8_prefix(std::string_view text, std::size_t size_max);

// C0, DEL, C1 and the line and paragraph separators: what may break out of a line in a log, a
// header or a terminal.
bool is_control(char32_t code_point);

// Appends `text` for people and logs: octets of controls and of broken UTF-8 as "\xNN", everything
// else verbatim.
void append_escaped(std::string& out, std::string_view text);

}  // namespace mailweir
