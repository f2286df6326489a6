#include "base/ids.h"

namespace mailweir {
namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr int digits = 13;  // 13 × 5 bits hold 64 bits

int digit_value(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (c == 'O') c = '0';
  if (c == 'I' || c == 'L') c = '1';
  const auto at = alphabet.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string to_string(MessageId id) {
  std::string text(digits, '0');
  std::uint64_t rest = id.value;
  for (int i = digits - 1; i >= 0; --i, rest >>= 5) {
    text[static_cast<std::size_t>(i)] = alphabet[rest & 31];
  }
  return text;
}

std::optional<MessageId> parse_message_id(std::string_view text) {
  if (text.size() != digits) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    const int digit = digit_value(c);
    if (digit < 0 || (value >> 59) != 0) return std::nullopt;
    value = (value << 5) | static_cast<std::uint64_t>(digit);
  }
  return MessageId{value};
}

}  // namespace mailweir
