#include "mail/mailbox.h"

#include <arpa/inet.h>
#include <idn2.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "mail/utf8.h"

namespace mailweir {
namespace {

constexpr std::size_t local_part_max = 64;  // RFC 5321 section 4.5.3.1.1
constexpr std::size_t mailbox_max =
    254;                                 // a path is 256 with its angle brackets, section 4.5.3.1.3
constexpr std::size_t domain_max = 253;  // what DNS can carry as text (RFC 1035 section 2.3.4)
constexpr std::size_t label_max = 63;

constexpr std::uint8_t atom_char = 1;  // atext of RFC 5322 section 3.2.3, without '%' and '!'
constexpr std::uint8_t label_char =
    2;  // letters, digits, '-', and '_', which real mail domains have

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  constexpr std::string_view alnum =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  for (const char c : alnum) classes[static_cast<unsigned char>(c)] = atom_char | label_char;
  for (const char c : std::string_view("#$&'*+/=?^`{|}~"))
    classes[static_cast<unsigned char>(c)] = atom_char;
  for (const char c : std::string_view("-_"))
    classes[static_cast<unsigned char>(c)] = atom_char | label_char;
  return classes;
}
constexpr std::array<std::uint8_t, 256> classes = make_classes();

bool is_of(char c, std::uint8_t kind) {
  return (classes[static_cast<unsigned char>(c)] & kind) != 0;
}
bool is_octet_above_ascii(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

using Complaint = std::optional<std::string_view>;  // what is wrong; empty: nothing

std::unexpected<Error> invalid(std::string_view part, std::string_view why) {
  std::string context(part);
  context.append(": ").append(why);
  return fail(Errc::invalid_argument, std::move(context));
}

// UTF-8 where it may stand: well formed, and no C1 control or line separator (RFC 6531
// section 3.3).
Complaint check_above_ascii(std::string_view text, AddressCharset charset) {
  if (is_ascii(text)) return std::nullopt;
  if (charset == AddressCharset::ascii) return "non-ASCII characters need SMTPUTF8";
  while (!text.empty()) {
    const Utf8Character character = first_character(text);
    if (character.length == 0) return "it is not valid UTF-8";
    if (character.code_point >= 0x80 && is_control(character.code_point))
      return "control character";
    text.remove_prefix(character.length);
  }
  return std::nullopt;
}

Complaint check_dot_string(std::string_view local_part) {
  char previous = '.';
  for (const char c : local_part) {
    if (c == '.') {
      if (previous == '.') return "empty word between dots";
    } else if (!is_of(c, atom_char) && !is_octet_above_ascii(c)) {
      if (c == '%' || c == '!') return "'%' and '!' routing is not accepted";
      return "character that needs quoting";
    }
    previous = c;
  }
  if (previous == '.') return "empty word between dots";
  return std::nullopt;
}

// Length of the quoted-string in front, its quotes included, or what is wrong with it (RFC 5321
// section 4.1.2). Routing inside quotes is refused too: many servers unquote before they look for
// '@', '%' and '!'.
std::expected<std::size_t, std::string_view> quoted_length(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"') {
      if (i == 1) return std::unexpected("empty quoted string");
      return i + 1;
    }
    if (c == '\\') {
      if (++i == text.size()) break;
      c = text[i];
    }
    if (c == '@' || c == '%' || c == '!')
      return std::unexpected("routing inside quotes is not accepted");
    if (c < ' ' && !is_octet_above_ascii(c)) return std::unexpected("control character");
    if (c == '\x7F') return std::unexpected("control character");
  }
  return std::unexpected("the quoted string does not end");
}

// Lower-cases `domain` in place. Its labels: letters, digits, '-', '_', UTF-8.
Complaint check_and_lower_labels(std::string& text, std::size_t begin) {
  if (text.size() == begin) return "it is empty";
  if (text.size() - begin > domain_max) return "longer than 253 octets";
  std::size_t label = begin;
  bool numeric = true;
  for (std::size_t i = begin; i <= text.size(); ++i) {
    if (i == text.size() || text[i] == '.') {
      if (i == label) return "empty label";
      if (i - label > label_max && is_ascii(std::string_view(text).substr(label, i - label))) {
        return "label longer than 63 octets";
      }
      if (text[label] == '-' || text[i - 1] == '-') return "a label begins or ends with '-'";
      if (i == text.size()) break;
      label = i + 1;
      numeric = true;
      continue;
    }
    const char c = text[i];
    if (!is_of(c, label_char) && !is_octet_above_ascii(c)) return "character that no host name has";
    numeric = numeric && is_digit(c);
    text[i] = lower(c);
  }
  // No top-level domain is a number (RFC 3696 section 2): this is an IP address without its
  // brackets.
  if (numeric) return "an IP address must stand in brackets";
  return std::nullopt;
}

// "[192.0.2.1]" or "[IPv6:2001:db8::1]" in the one spelling we use, or empty when it is neither.
std::string canonical_literal(std::string_view domain) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!domain.ends_with(']') || domain.size() - 2 >= text.size() + 5) return {};
  std::string_view inside = domain.substr(1, domain.size() - 2);
  constexpr std::string_view tag = "IPv6:";
  const bool six =
      inside.size() > tag.size() && std::equal(tag.begin(), tag.end(), inside.begin(),
                                               [](char a, char b) { return lower(a) == lower(b); });
  if (six) inside.remove_prefix(tag.size());
  if (inside.empty() || inside.size() >= text.size() || inside.find('\0') != std::string_view::npos)
    return {};
  std::copy(inside.begin(), inside.end(), text.begin());
  text[inside.size()] = '\0';
  std::array<unsigned char, sizeof(in6_addr)> address{};
  const int family = six ? AF_INET6 : AF_INET;
  if (inet_pton(family, text.data(), address.data()) != 1) return {};
  if (inet_ntop(family, address.data(), text.data(), text.size()) == nullptr) return {};
  std::string out = six ? "[IPv6:" : "[";
  out.append(text.data()).push_back(']');
  return out;
}

// A UTF-8 domain that has no A-labels cannot be looked up: refused when it comes in, not when it is
// to be delivered.
Complaint check_has_a_labels(std::string_view domain) {
  if (is_ascii(domain) || to_a_labels(domain)) return std::nullopt;
  return "it has no form that DNS can carry (IDNA2008)";
}

// Checks text[begin, end) as a domain name and normalizes it in place.
Complaint normalize_tail(std::string& text, std::size_t begin, AddressCharset charset) {
  const std::string_view domain = std::string_view(text).substr(begin);
  if (const Complaint complaint = check_above_ascii(domain, charset)) return complaint;
  if (text.ends_with('.') && text.size() > begin + 1) text.pop_back();
  if (const Complaint complaint = check_and_lower_labels(text, begin)) return complaint;
  return check_has_a_labels(std::string_view(text).substr(begin));
}

}  // namespace

Result<Mailbox> Mailbox::parse(std::string_view text, AddressCharset charset) {
  if (text.empty()) return invalid("address", "it is empty");
  if (text.size() > mailbox_max) return invalid("address", "longer than 254 octets");
  if (text.front() == '@')
    return invalid("address", "a source route or an empty local-part is not accepted");

  std::size_t at = text.rfind('@');
  if (at == std::string_view::npos) return invalid("address", "there is no '@' and domain");
  if (text.front() == '"') {
    const auto length = quoted_length(text);
    if (!length) return invalid("local-part", length.error());
    if (*length == text.size() || text[*length] != '@')
      return invalid("local-part", "text behind the closing quote");
    at = *length;
  }
  const std::string_view local_part = text.substr(0, at);
  if (local_part.size() > local_part_max) return invalid("local-part", "longer than 64 octets");
  if (const auto complaint = check_above_ascii(local_part, charset))
    return invalid("local-part", *complaint);
  if (text.front() != '"') {
    if (const auto complaint = check_dot_string(local_part))
      return invalid("local-part", *complaint);
  }

  Mailbox mailbox;
  mailbox.at_ = static_cast<std::uint16_t>(at);
  if (text.substr(at + 1).starts_with('[')) {
    const std::string literal = canonical_literal(text.substr(at + 1));
    if (literal.empty()) return invalid("domain", "not an IPv4 or IPv6 address literal");
    mailbox.text_.assign(text.substr(0, at + 1)).append(literal);
    return mailbox;
  }
  mailbox.text_.assign(text);
  if (const auto complaint = normalize_tail(mailbox.text_, at + 1, charset))
    return invalid("domain", *complaint);
  return mailbox;
}

Mailbox Mailbox::from_parts(std::string_view local_part, std::string_view domain) {
  Mailbox mailbox;
  if (local_part.empty() && domain.empty()) return mailbox;
  WEIR_ASSERT(local_part.size() <= mailbox_max);
  mailbox.text_.reserve(local_part.size() + 1 + domain.size());
  mailbox.text_.append(local_part).push_back('@');
  mailbox.text_.append(domain);
  mailbox.at_ = static_cast<std::uint16_t>(local_part.size());
  return mailbox;
}

std::string_view Mailbox::domain() const {
  return text_.empty() ? std::string_view{} : std::string_view(text_).substr(at_ + 1U);
}

bool Mailbox::is_ascii() const {
  return mailweir::is_ascii(text_);
}

Result<std::string> normalize_domain(std::string_view domain, AddressCharset charset) {
  if (domain.size() > domain_max + 1) return invalid("domain", "longer than 253 octets");
  std::string text(domain);
  if (const auto complaint = normalize_tail(text, 0, charset)) return invalid("domain", *complaint);
  return text;
}

Result<std::string> to_a_labels(std::string_view domain) {
  if (is_ascii(domain)) return std::string(domain);
  if (domain.find('\0') != std::string_view::npos) return invalid("domain", "NUL");
  const std::string text(domain);
  char* output = nullptr;
  // UTS #46 mapping first, as browsers and other mail servers do; its result is checked again
  // because the mapping can make '@' or '/' out of their wide forms.
  const int status = idn2_to_ascii_8z(text.c_str(), &output, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, decltype(&idn2_free)> owner(output, &idn2_free);
  if (status != IDN2_OK) return invalid("domain", idn2_strerror(status));
  std::string labels(output);
  if (const auto complaint = check_and_lower_labels(labels, 0))
    return invalid("domain", *complaint);
  return labels;
}

}  // namespace mailweir
