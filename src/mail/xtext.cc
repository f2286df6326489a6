#include "mail/xtext.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "mail/utf8.h"

namespace mailweir {
namespace {

constexpr std::size_t original_recipient_max = 500;
constexpr std::size_t envelope_id_max = 100;
constexpr char32_t replacement_character = 0xFFFD;

bool is_plain(char c) {
  return c > ' ' && c < '\x7F' && c != '+' && c != '=';
}

std::optional<unsigned> hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  return std::nullopt;
}

void append_utf8(std::string& out, char32_t c) {
  const auto tail = [&](int shift) {
    out.push_back(static_cast<char>(0x80U | ((c >> shift) & 0x3FU)));
  };
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0U | (c >> 6)));
    tail(0);
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0U | (c >> 12)));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0U | (c >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

// Takes "\x{65E5}" off the front of `text`; empty when it does not begin with one.
std::optional<char32_t> take_embedded(std::string_view& text) {
  constexpr std::size_t digits_max = 6;
  if (!text.starts_with("\\x{")) return std::nullopt;
  char32_t value = 0;
  std::size_t at = 3;
  for (; at < text.size() && at < 3 + digits_max; ++at) {
    const auto digit = hex_value(text[at]);
    if (!digit) break;
    value = value * 16 + *digit;
  }
  const std::size_t digits = at - 3;
  if (digits < 2 || at == text.size() || text[at] != '}') return std::nullopt;
  if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return std::nullopt;
  text.remove_prefix(at + 1);
  return value;
}

bool has_control(std::string_view utf8) {
  while (!utf8.empty()) {
    const Utf8Character character = first_character(utf8);
    if (character.length == 0 || is_control(character.code_point)) return true;
    utf8.remove_prefix(character.length);
  }
  return false;
}

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < '\x7F'; });
}

bool is_atom(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool is_utf8_type(std::string_view type) {
  return type.size() == 5 && (type[0] | 0x20) == 'u' && (type[1] | 0x20) == 't' &&
         (type[2] | 0x20) == 'f' && type.substr(3) == "-8";
}

}  // namespace

std::string encode_xtext(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_plain(c)) {
      out.push_back(c);
    } else {
      fmt::format_to(std::back_inserter(out), "+{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

Result<std::string> decode_xtext(std::string_view xtext) {
  std::string out;
  out.reserve(xtext.size());
  for (std::size_t i = 0; i < xtext.size(); ++i) {
    if (is_plain(xtext[i])) {
      out.push_back(xtext[i]);
      continue;
    }
    if (xtext[i] != '+')
      return fail(Errc::invalid_argument, "xtext: character that must be encoded");
    const auto high = i + 2 < xtext.size() ? hex_value(xtext[i + 1]) : std::nullopt;
    const auto low = i + 2 < xtext.size() ? hex_value(xtext[i + 2]) : std::nullopt;
    if (!high || !low)
      return fail(Errc::invalid_argument, "xtext: '+' without two hexadecimal digits");
    out.push_back(static_cast<char>(*high * 16 + *low));
    i += 2;
  }
  return out;
}

std::string encode_utf8_address(std::string_view address) {
  std::string out;
  out.reserve(address.size() * 2);
  while (!address.empty()) {
    const Utf8Character character = first_character(address);
    if (character.length == 1 && is_plain(address[0]) && address[0] != '\\') {
      out.push_back(address[0]);
    } else {
      const char32_t c = character.length == 0 ? replacement_character : character.code_point;
      fmt::format_to(std::back_inserter(out), "\\x{{{:02X}}}", static_cast<unsigned>(c));
    }
    address.remove_prefix(std::max<std::size_t>(character.length, 1));
  }
  return out;
}

Result<std::string> decode_utf8_address(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    if (const auto embedded = take_embedded(text)) {
      append_utf8(out, *embedded);
      continue;
    }
    const Utf8Character character = first_character(text);
    const bool plain = character.length > 1 || (is_plain(text[0]) && text[0] != '\\');
    if (character.length == 0 || !plain) {
      return fail(Errc::invalid_argument, "utf-8 address: character that must be encoded");
    }
    out.append(text.substr(0, character.length));
    text.remove_prefix(character.length);
  }
  return out;
}

Result<OriginalRecipient> parse_original_recipient(std::string_view orcpt, AddressCharset charset) {
  if (orcpt.size() > original_recipient_max) {
    return fail(Errc::invalid_argument, "ORCPT: longer than 500 octets");
  }
  const std::size_t semicolon = orcpt.find(';');
  if (semicolon == std::string_view::npos || semicolon + 1 == orcpt.size()) {
    return fail(Errc::invalid_argument, "ORCPT: not of the form type;address");
  }
  OriginalRecipient recipient;
  recipient.type = orcpt.substr(0, semicolon);
  if (!is_atom(recipient.type))
    return fail(Errc::invalid_argument, "ORCPT: the address type is no atom");
  const std::string_view encoded = orcpt.substr(semicolon + 1);
  if (charset == AddressCharset::ascii && !is_ascii(encoded)) {
    return fail(Errc::invalid_argument, "ORCPT: non-ASCII characters need SMTPUTF8");
  }
  WEIR_TRY(recipient.address,
           is_utf8_type(recipient.type) ? decode_utf8_address(encoded) : decode_xtext(encoded));
  if (has_control(recipient.address))
    return fail(Errc::invalid_argument, "ORCPT: control character");
  return recipient;
}

Result<std::string> parse_envelope_id(std::string_view envid) {
  if (envid.empty() || envid.size() > envelope_id_max) {
    return fail(Errc::invalid_argument, "ENVID: empty or longer than 100 octets");
  }
  WEIR_TRY(std::string id, decode_xtext(envid));
  if (!is_printable_ascii(id)) return fail(Errc::invalid_argument, "ENVID: control character");
  return id;
}

}  // namespace mailweir
