#include "smtp/command.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "mail/mailbox.h"

namespace mailweir::smtp {
namespace {

constexpr std::size_t client_name_max = 255;         // RFC 5321 section 4.5.3.1.2
constexpr std::size_t envelope_id_max = 100;         // RFC 3461 section 4.4
constexpr std::size_t original_recipient_max = 500;  // RFC 3461 section 4.2
constexpr std::size_t parameters_max = 16;

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}

// `word` is in capitals.
bool is_word(std::string_view text, std::string_view word) {
  return std::ranges::equal(text, word, {}, upper);
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (upper(c) >= 'A' && upper(c) <= 'Z');
}

std::unexpected<Reply> refuse(std::string_view line) {
  return std::unexpected(reply_of(line));
}

std::string_view skip_spaces(std::string_view text) {
  const auto start = text.find_first_not_of(' ');
  return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

std::string_view trim_end(std::string_view text) {
  const auto end = text.find_last_not_of(" \t");
  return end == std::string_view::npos ? std::string_view() : text.substr(0, end + 1);
}

Verb verb_of(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, Verb>, 16> verbs{{
      {"RCPT", Verb::rcpt},
      {"MAIL", Verb::mail},
      {"DATA", Verb::data},
      {"EHLO", Verb::ehlo},
      {"HELO", Verb::helo},
      {"QUIT", Verb::quit},
      {"RSET", Verb::rset},
      {"NOOP", Verb::noop},
      {"STARTTLS", Verb::starttls},
      {"VRFY", Verb::vrfy},
      {"EXPN", Verb::expn},
      {"HELP", Verb::help},
      {"GET", Verb::foreign},
      {"POST", Verb::foreign},
      {"CONNECT", Verb::foreign},
      {"PUT", Verb::foreign},
  }};
  for (const auto& [name, verb] : verbs) {
    if (is_word(word, name)) return verb;
  }
  return Verb::unknown;
}

// RFC 3461 section 4: printable ASCII but "+" and "=", which stand as "+XX".
bool is_xtext(std::string_view text) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '+') {
      if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
      i += 2;
    } else if (c < '!' || c > '~' || c == '=') {
      return false;
    }
  }
  return true;
}

struct Parameter {
  std::string_view keyword;
  std::optional<std::string_view> value;
};

struct Parameters {
  std::array<Parameter, parameters_max> list;
  std::size_t count = 0;
};

// esmtp-param of RFC 5321 section 4.1.2; octets above 127 in values are left to the parameter's own
// rule (RFC 6533 ORCPT).
std::optional<Parameter> parse_parameter(std::string_view text) {
  const auto equals = text.find('=');
  Parameter parameter{text.substr(0, equals), std::nullopt};
  if (equals != std::string_view::npos) parameter.value = text.substr(equals + 1);
  if (parameter.keyword.empty() || !is_alphanumeric(parameter.keyword.front())) return std::nullopt;
  const auto is_keyword = [](char c) { return is_alphanumeric(c) || c == '-'; };
  if (!std::ranges::all_of(parameter.keyword, is_keyword)) return std::nullopt;
  if (!parameter.value) return parameter;
  const auto is_value = [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet > ' ' && octet != '=' && octet != 127;
  };
  if (parameter.value->empty() || !std::ranges::all_of(*parameter.value, is_value))
    return std::nullopt;
  return parameter;
}

std::expected<Parameters, Reply> parse_parameters(std::string_view text) {
  Parameters parameters;
  for (text = skip_spaces(text); !text.empty(); text = skip_spaces(text)) {
    const auto end = std::min(text.find(' '), text.size());
    const auto parameter = parse_parameter(text.substr(0, end));
    if (!parameter) return refuse("501 5.5.4 Malformed parameter");
    const auto same_keyword = [&](const Parameter& other) {
      return std::ranges::equal(other.keyword, parameter->keyword, {}, upper, upper);
    };
    if (std::any_of(parameters.list.begin(), parameters.list.begin() + parameters.count,
                    same_keyword)) {
      return refuse("501 5.5.4 Parameter given twice");
    }
    if (parameters.count == parameters_max) return refuse("501 5.5.4 Too many parameters");
    parameters.list[parameters.count++] = *parameter;
    text.remove_prefix(end);
  }
  return parameters;
}

struct PathAndRest {
  std::string_view path;  // without its angle brackets
  std::string_view rest;  // the parameters, if any
};

// Splits "FROM:<path> parameters"; a ">" inside a quoted local-part does not end the path.
std::optional<PathAndRest> split_path(std::string_view argument, std::string_view keyword) {
  if (argument.size() < keyword.size() || !is_word(argument.substr(0, keyword.size()), keyword))
    return std::nullopt;
  const auto text = skip_spaces(argument.substr(keyword.size()));
  if (!text.starts_with('<')) return std::nullopt;
  bool is_quoted = false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (is_quoted && c == '\\') {
      ++i;
    } else if (c == '"') {
      is_quoted = !is_quoted;
    } else if (c == '>' && !is_quoted) {
      const auto rest = text.substr(i + 1);
      if (!rest.empty() && rest.front() != ' ') return std::nullopt;
      return PathAndRest{text.substr(1, i - 1), rest};
    }
  }
  return std::nullopt;
}

std::expected<std::uint64_t, Reply> parse_size(std::optional<std::string_view> value) {
  if (!value || value->size() > 20) return refuse("501 5.5.4 Bad SIZE value");
  std::uint64_t size = 0;
  const auto [end, ec] = std::from_chars(value->data(), value->data() + value->size(), size);
  if (end != value->data() + value->size()) return refuse("501 5.5.4 Bad SIZE value");
  // 20 digits may exceed 64 bits: then the message is certainly too big, and the greatest number
  // says so.
  return ec == std::errc() ? size : UINT64_MAX;
}

std::expected<DsnNotify, Reply> parse_notify(std::optional<std::string_view> value) {
  if (!value) return refuse("501 5.5.4 NOTIFY needs a value");
  if (is_word(*value, "NEVER")) return DsnNotify::never;
  auto notify = DsnNotify::unspecified;
  for (auto rest = *value;;) {
    const auto comma = rest.find(',');
    const auto word = rest.substr(0, comma);
    if (is_word(word, "SUCCESS")) {
      notify = notify | DsnNotify::success;
    } else if (is_word(word, "FAILURE")) {
      notify = notify | DsnNotify::failure;
    } else if (is_word(word, "DELAY")) {
      notify = notify | DsnNotify::delay;
    } else {
      return refuse("501 5.5.4 Bad NOTIFY value");
    }
    if (comma == std::string_view::npos) return notify;
    rest.remove_prefix(comma + 1);
  }
}

// "rfc822;" and xtext, or "utf-8;" and the forms of RFC 6533 section 3.
bool is_original_recipient(std::string_view value, AddressCharset charset) {
  const auto semicolon = value.find(';');
  if (semicolon == 0 || semicolon == std::string_view::npos ||
      value.size() > original_recipient_max)
    return false;
  const auto type = value.substr(0, semicolon);
  if (!std::ranges::all_of(type, [](char c) { return is_alphanumeric(c) || c == '-'; }))
    return false;
  const auto address = value.substr(semicolon + 1);
  if (is_word(type, "UTF-8")) {
    return charset == AddressCharset::utf8 ||
           std::ranges::all_of(address, [](char c) { return static_cast<unsigned char>(c) < 128; });
  }
  return !address.empty() && is_xtext(address);
}

std::expected<void, Reply> apply_mail_parameter(const Parameter& parameter, MailCommand& mail) {
  const auto& [keyword, value] = parameter;
  if (is_word(keyword, "SIZE")) {
    auto size = parse_size(value);
    if (!size) return std::unexpected(std::move(size).error());
    mail.declared_size = *size;
  } else if (is_word(keyword, "BODY")) {
    if (value && is_word(*value, "8BITMIME")) {
      mail.body = BodyType::eight_bit_mime;
    } else if (!value || !is_word(*value, "7BIT")) {
      return refuse("501 5.5.4 BODY must be 7BIT or 8BITMIME");
    }
  } else if (is_word(keyword, "SMTPUTF8")) {
    if (value) return refuse("501 5.5.4 SMTPUTF8 takes no value");
    mail.smtputf8 = true;
  } else if (is_word(keyword, "RET")) {
    const bool is_full = value && is_word(*value, "FULL");
    if (!is_full && !(value && is_word(*value, "HDRS")))
      return refuse("501 5.5.4 RET must be FULL or HDRS");
    mail.dsn_return = is_full ? DsnReturn::full : DsnReturn::headers;
  } else if (is_word(keyword, "ENVID")) {
    if (!value || value->size() > envelope_id_max || !is_xtext(*value))
      return refuse("501 5.5.4 Bad ENVID value");
    mail.envelope_id = *value;
  } else if (!is_word(keyword, "AUTH")) {
    // AUTH= (RFC 4954 section 5) names a submitter we have no reason to trust: allowed, and
    // ignored.
    return refuse("555 5.5.4 Unsupported MAIL parameter");
  }
  return {};
}

std::expected<void, Reply> apply_rcpt_parameter(const Parameter& parameter, AddressCharset charset,
                                                Recipient& recipient) {
  if (is_word(parameter.keyword, "NOTIFY")) {
    auto notify = parse_notify(parameter.value);
    if (!notify) return std::unexpected(std::move(notify).error());
    recipient.notify = *notify;
  } else if (is_word(parameter.keyword, "ORCPT")) {
    if (!parameter.value || !is_original_recipient(*parameter.value, charset))
      return refuse("501 5.5.4 Bad ORCPT value");
    recipient.original_recipient = *parameter.value;
  } else {
    return refuse("555 5.5.4 Unsupported RCPT parameter");
  }
  return {};
}

std::expected<Command, Reply> parse_mail(std::string_view argument) {
  const auto parts = split_path(argument, "FROM:");
  if (!parts) return refuse("501 5.5.4 Syntax: MAIL FROM:<address>");
  const auto parameters = parse_parameters(parts->rest);
  if (!parameters) return std::unexpected(parameters.error());
  MailCommand mail;
  for (std::size_t i = 0; i < parameters->count; ++i) {
    if (auto applied = apply_mail_parameter(parameters->list[i], mail); !applied) {
      return std::unexpected(std::move(applied).error());
    }
  }
  if (parts->path.empty()) return mail;
  auto mailbox =
      Mailbox::parse(parts->path, mail.smtputf8 ? AddressCharset::utf8 : AddressCharset::ascii);
  if (!mailbox) return refuse("553 5.1.7 Bad sender address: " + mailbox.error().context);
  mail.reverse_path.mailbox = *std::move(mailbox);
  return mail;
}

std::expected<Command, Reply> parse_rcpt(std::string_view argument, AddressCharset charset) {
  const auto parts = split_path(argument, "TO:");
  if (!parts) return refuse("501 5.5.4 Syntax: RCPT TO:<address>");
  const auto parameters = parse_parameters(parts->rest);
  if (!parameters) return std::unexpected(parameters.error());
  RcptCommand rcpt;
  for (std::size_t i = 0; i < parameters->count; ++i) {
    if (auto applied = apply_rcpt_parameter(parameters->list[i], charset, rcpt.recipient);
        !applied) {
      return std::unexpected(std::move(applied).error());
    }
  }
  auto mailbox = Mailbox::parse(parts->path, charset);
  if (!mailbox) return refuse("553 5.1.3 Bad recipient address: " + mailbox.error().context);
  rcpt.recipient.mailbox = *std::move(mailbox);
  return rcpt;
}

// Clients put all kinds of names here; what matters is that nothing unprintable reaches a header or
// a log.
std::expected<Command, Reply> parse_hello(Verb verb, std::string_view argument) {
  const auto is_printable = [](char c) { return c > ' ' && c <= '~'; };
  if (argument.empty() || argument.size() > client_name_max ||
      !std::ranges::all_of(argument, is_printable)) {
    return refuse(verb == Verb::ehlo ? "501 5.5.4 Syntax: EHLO hostname"
                                     : "501 5.5.4 Syntax: HELO hostname");
  }
  return HelloCommand{verb == Verb::ehlo, std::string(argument)};
}

}  // namespace

Reply reply_of(std::string_view line) {
  WEIR_ASSERT(line.size() >= 5 && line[0] >= '2' && line[0] <= '5' && line[3] == ' ');
  const auto digit = [&](std::size_t i) { return line[i] - '0'; };
  const auto text = line.substr(4);
  return Reply{.code = static_cast<std::uint16_t>(digit(0) * 100 + digit(1) * 10 + digit(2)),
               .enhanced = parse_enhanced_status(text),
               .text = std::string(text)};
}

std::expected<Command, Reply> parse_command(std::string_view line, AddressCharset charset) {
  const auto space = line.find(' ');
  const auto verb = verb_of(line.substr(0, space));
  if (verb != Verb::mail && verb != Verb::rcpt && line.size() + 2 > command_line_max) {
    return refuse("500 5.5.2 Line too long");
  }
  if (verb == Verb::rcpt && line.size() + 2 > rcpt_line_max)
    return refuse("500 5.5.2 Line too long");
  const auto argument =
      space == std::string_view::npos ? "" : trim_end(skip_spaces(line.substr(space)));
  switch (verb) {
    case Verb::mail:
      return parse_mail(argument);
    case Verb::rcpt:
      return parse_rcpt(argument, charset);
    case Verb::ehlo:
    case Verb::helo:
      return parse_hello(verb, argument);
    case Verb::data:
    case Verb::rset:
    case Verb::quit:
    case Verb::starttls:
      if (!argument.empty()) return refuse("501 5.5.4 This command takes no argument");
      return PlainCommand{verb};
    case Verb::vrfy:
    case Verb::expn:
      if (argument.empty()) return refuse("501 5.5.4 An argument is needed");
      return PlainCommand{verb};
    case Verb::noop:
    case Verb::help:
    case Verb::foreign:
    case Verb::unknown:
      return PlainCommand{verb};
  }
  return PlainCommand{Verb::unknown};
}

}  // namespace mailweir::smtp
