// Lower case beyond ASCII, for the languages replies are written in.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace mailweir::provider {

// What stands for the letter at the front of a text, and how many of its bytes that letter takes.
struct FoldedLetter {
  std::size_t length = 1;
  std::array<char, 2> bytes{};
  std::size_t size = 1;

  std::string_view view() const { return {bytes.data(), size}; }
};

// `text` begins with a byte from 0x80 on. Latin and Cyrillic capitals become small; full-width
// ASCII, the typographic apostrophe and the wide spaces become plain ASCII; any other byte stands
// for itself, also where it is no UTF-8.
FoldedLetter fold_letter(std::string_view text);

}  // namespace mailweir::provider
