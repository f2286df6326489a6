#include "provider/letter_case.h"

#include <cstdint>

namespace mailweir::provider {
namespace {

using Letter = std::uint32_t;

unsigned char byte_at(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

bool is_further(unsigned char byte) {
  return (byte & 0xc0) == 0x80;
}

// U+0080 to U+07FF.
Letter small_of(Letter letter) {
  if (letter == 0xa0) return ' ';
  if (letter >= 0xc0 && letter <= 0xde && letter != 0xd7) return letter + 0x20;
  if (letter == 0x130) return 'i';   // İ
  if (letter == 0x178) return 0xff;  // Ÿ
  // Latin Extended-A: a capital and its small letter lie side by side.
  const bool capital_is_even =
      (letter >= 0x100 && letter <= 0x137) || (letter >= 0x14a && letter <= 0x177);
  const bool capital_is_odd =
      (letter >= 0x139 && letter <= 0x148) || (letter >= 0x179 && letter <= 0x17e);
  if (capital_is_even) return letter | 1U;
  if (capital_is_odd) return letter + (letter & 1U);
  if (letter >= 0x391 && letter <= 0x3a9) return letter + 0x20;  // Greek
  if (letter >= 0x400 && letter <= 0x40f) return letter + 0x50;  // Cyrillic
  if (letter >= 0x410 && letter <= 0x42f) return letter + 0x20;
  return letter;
}

// U+0800 to U+FFFF; 0: as it is.
char plain_of(Letter letter) {
  if (letter == 0x2018 || letter == 0x2019) return '\'';
  if (letter == 0x3000) return ' ';
  if (letter < 0xff01 || letter > 0xff5e) return 0;
  const auto ascii = static_cast<char>(letter - 0xff01 + '!');
  return ascii >= 'A' && ascii <= 'Z' ? static_cast<char>(ascii - 'A' + 'a') : ascii;
}

}  // namespace

FoldedLetter fold_letter(std::string_view text) {
  const unsigned char first = byte_at(text, 0);
  const unsigned char second = byte_at(text, 1);
  const unsigned char third = byte_at(text, 2);
  if (first >= 0xc2 && first <= 0xdf && is_further(second)) {
    const Letter letter = small_of(((first & 0x1fU) << 6U) | (second & 0x3fU));
    if (letter < 0x80) return {2, {static_cast<char>(letter)}, 1};
    return {
        2,
        {static_cast<char>(0xc0U | (letter >> 6U)), static_cast<char>(0x80U | (letter & 0x3fU))},
        2};
  }
  if ((first & 0xf0) == 0xe0 && is_further(second) && is_further(third)) {
    const char plain =
        plain_of(((first & 0x0fU) << 12U) | ((second & 0x3fU) << 6U) | (third & 0x3fU));
    if (plain != 0) return {3, {plain}, 1};
  }
  return {1, {text.front()}, 1};
}

}  // namespace mailweir::provider
