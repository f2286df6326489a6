#include "provider/bounce.h"

#include <algorithm>

#include "base/ascii.h"
#include "provider/reply_text.h"
#include "provider/spoken_reply.h"

namespace mailweir::provider {
namespace {

using ascii::is_digit;
using ascii::is_same;
using ascii::lower;
using ascii::to_lower;
using ascii::trimmed;

// Cuts lines off a text; a line keeps no CR.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  std::optional<std::string_view> next() {
    if (rest_.empty()) return std::nullopt;
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }
  // The next line, if it continues a header field.
  std::optional<std::string_view> next_folded() {
    if (rest_.empty() || (rest_.front() != ' ' && rest_.front() != '\t')) return std::nullopt;
    return next();
  }

 private:
  std::string_view rest_;
};

// "rfc822; ken@example.com", "dns; mx.example.com", "<ken@example.com>" → what is meant.
std::string_view value_of(std::string_view field) {
  if (const std::size_t mark = field.find(';'); mark != std::string_view::npos)
    field.remove_prefix(mark + 1);
  field = trimmed(field);
  if (field.starts_with('<') && field.ends_with('>')) field = field.substr(1, field.size() - 2);
  return field;
}

std::optional<EnhancedStatus> status_in(std::string_view text) {
  text = text.substr(0, std::min(text.find_first_not_of("0123456789."), text.size()));
  return parse_enhanced_status(text);
}

// The per-recipient fields of RFC 3464 section 2.3, as they come.
struct RecipientFields {
  std::string recipient;
  std::string action;
  std::string status;
  std::string host;
  std::string diagnostic;

  bool is_about_someone() const { return !recipient.empty() && !action.empty(); }
};

void set_field(RecipientFields& fields, std::string_view name, const std::string& value) {
  if (is_same(name, "final-recipient")) fields.recipient = value_of(value);
  if (is_same(name, "original-recipient") && fields.recipient.empty())
    fields.recipient = value_of(value);
  if (is_same(name, "action")) fields.action = lower(trimmed(value));
  if (is_same(name, "status")) fields.status = trimmed(value);
  if (is_same(name, "remote-mta")) fields.host = lower(value_of(value));
  if (is_same(name, "diagnostic-code")) fields.diagnostic = trimmed(value);
}

// A status says little; but a rule may know more than nothing.
Reply reply_of_status(EnhancedStatus status, std::string_view text) {
  Reply reply;
  reply.code = status.klass == 4 ? 450 : 550;
  reply.enhanced = status;
  reply.text = to_string(status);
  if (!text.empty()) reply.text += " " + std::string(text.substr(0, 1024));
  return reply;
}

std::optional<BouncedRecipient> bounced(const RecipientFields& fields) {
  if (!fields.is_about_someone()) return std::nullopt;
  BouncedRecipient recipient{
      .recipient = fields.recipient, .action = fields.action, .host = fields.host};
  const std::string_view said = value_of(fields.diagnostic);
  if (const auto spoken = find_spoken_reply(fields.diagnostic)) {
    recipient.reply = spoken->reply;
    if (spoken->phase) recipient.phase = *spoken->phase;
    if (recipient.host.empty()) recipient.host = spoken->host;
  } else if (auto reply = parse_reply_text(said); reply && reply->code >= 400) {
    recipient.reply = std::move(*reply);
  } else if (const auto status = status_in(fields.status); status && status->klass >= 4) {
    recipient.reply = reply_of_status(*status, said);
  } else {
    return std::nullopt;
  }
  return recipient;
}

Bounce read_report(std::string_view message) {
  Bounce bounce;
  Lines lines(message);
  RecipientFields fields;
  const auto finish = [&] {
    if (auto recipient = bounced(fields);
        recipient && bounce.recipients.size() < Bounce::recipients_max)
      bounce.recipients.push_back(std::move(*recipient));
    fields = {};
  };
  while (const auto line = lines.next()) {
    if (trimmed(*line).empty()) {
      finish();
      continue;
    }
    const std::size_t colon = line->find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line->substr(0, colon);
    std::string value(line->substr(colon + 1, 4096));
    while (const auto folded = lines.next_folded()) {
      if (value.size() < 8192) value += " " + std::string(trimmed(*folded));
    }
    set_field(fields, name, value);
  }
  finish();
  return bounce;
}

// "in reply to RCPT TO" stands in the text part of Postfix's reports only.
void take_phases(std::string_view message, Bounce& bounce) {
  for (BouncedRecipient& recipient : bounce.recipients) {
    const std::size_t at = message.find("<" + recipient.recipient + ">: host ");
    if (at == std::string_view::npos) continue;
    std::string_view paragraph = message.substr(at, 4096);
    paragraph = paragraph.substr(0, std::min(paragraph.find("\n\n"), paragraph.find("\r\n\r\n")));
    std::string joined(paragraph);
    std::replace(joined.begin(), joined.end(), '\n', ' ');
    std::erase(joined, '\r');
    if (const auto spoken = find_spoken_reply(joined); spoken && spoken->phase)
      recipient.phase = *spoken->phase;
  }
}

// The first mail address of a paragraph.
std::string address_in(std::string_view text) {
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
           std::string_view("@.-_+=/'&!#$%*?^`{|}~").contains(c);
  };
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return {};
  std::size_t begin = at;
  while (begin > 0 && is_part(text[begin - 1])) --begin;
  std::size_t end = at;
  while (end < text.size() && is_part(text[end])) ++end;
  while (end > at && (text[end - 1] == '.' || text[end - 1] == '?')) --end;
  return std::string(text.substr(begin, end - begin));
}

// A paragraph that has the address alone introduces the next one (Exchange).
Bounce read_text(std::string_view message) {
  Bounce bounce{.format = BounceFormat::text, .recipients = {}};
  Lines lines(message);
  std::string paragraph;
  std::string last_address;
  const auto finish = [&] {
    std::string address = address_in(paragraph);
    if (const auto spoken = find_spoken_reply(paragraph);
        spoken && bounce.recipients.size() < Bounce::recipients_max) {
      bounce.recipients.push_back({.recipient = address.empty() ? last_address : address,
                                   .action = spoken->reply.is_transient() ? "delayed" : "failed",
                                   .host = spoken->host,
                                   .phase = spoken->phase.value_or(Phase::rcpt),
                                   .reply = spoken->reply});
    }
    if (!address.empty()) last_address = std::move(address);
    paragraph.clear();
  };
  while (const auto line = lines.next()) {
    const std::string_view text = trimmed(*line);
    if (text.empty()) {
      finish();
    } else if (paragraph.size() < 8192) {
      if (!paragraph.empty()) paragraph += ' ';
      paragraph += text;
    }
  }
  finish();
  return bounce;
}

// What RFC 5322 section 3.6.8 allows is wider; but no field in use has quotes or brackets, and a
// line of JSON begins with them.
bool is_field_name(std::string_view name) {
  const auto is_part = [](char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' || c == '_' ||
           c == '.';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), is_part);
}

}  // namespace

bool looks_like_message(std::string_view text) {
  Lines lines(text);
  std::size_t fields = 0;
  while (const auto line = lines.next()) {
    if (line->empty()) return fields >= 2;
    if (line->starts_with(' ') || line->starts_with('\t')) continue;
    if (fields == 0 && line->starts_with("From ")) continue;
    const std::size_t colon = line->find(':');
    if (colon == std::string_view::npos || !is_field_name(line->substr(0, colon))) return false;
    if (++fields == 200) return true;
  }
  return fields >= 2;
}

std::optional<Bounce> parse_bounce(std::string_view message) {
  message = message.substr(0, Bounce::bytes_max);
  Bounce bounce = read_report(message);
  if (bounce.recipients.empty()) {
    bounce = read_text(message);
  } else {
    take_phases(message, bounce);
  }
  if (bounce.recipients.empty()) return std::nullopt;
  return bounce;
}

}  // namespace mailweir::provider
