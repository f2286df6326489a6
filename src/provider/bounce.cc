#include "provider/bounce.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/ascii.h"
#include "mail/header.h"
#include "provider/bounce_lines.h"
#include "provider/bounce_notice.h"
#include "provider/bounce_text.h"
#include "provider/mime_parts.h"
#include "provider/reply_text.h"
#include "provider/spoken_reply.h"

namespace mailweir::provider {
namespace {

using ascii::is_digit;
using ascii::is_same;
using ascii::lower;
using ascii::to_lower;
using ascii::trimmed;

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

  bool is_about_someone() const { return !recipient.empty() && !(action + status).empty(); }
  // Some write no action; a status of class 4 may then be a delay.
  bool has_failed() const {
    if (recipient.empty()) return false;
    return action.empty() ? status.starts_with('5') : action == "failed";
  }
};

void set_field(RecipientFields& fields, std::string_view name, const std::string& value) {
  if (is_same(name, "final-recipient")) fields.recipient = value_of(value);
  if (is_same(name, "original-recipient") && fields.recipient.empty())
    fields.recipient = value_of(value);
  if (is_same(name, "action")) fields.action = lower(trimmed(value));
  if (is_same(name, "status")) fields.status = trimmed(value);
  if (is_same(name, "remote-mta")) fields.host = host_name(value_of(value));
  if (is_same(name, "diagnostic-code")) fields.diagnostic = trimmed(value);
}

std::optional<BouncedRecipient> bounced(const RecipientFields& fields) {
  if (!fields.has_failed()) return std::nullopt;
  BouncedRecipient recipient{.recipient = fields.recipient, .host = fields.host};
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

// What the fields of a report tell.
struct Report {
  std::vector<BouncedRecipient> failed;
  bool has_recipients = false;  // whatever became of them
};

void finish(Report& report, RecipientFields& fields) {
  report.has_recipients = report.has_recipients || fields.is_about_someone();
  if (report.failed.size() < Bounce::recipients_max) {
    if (auto recipient = bounced(fields)) report.failed.push_back(std::move(*recipient));
  }
  fields = {};
}

void read_report(std::string_view text, Report& report) {
  Lines lines(text);
  RecipientFields fields;
  while (const auto line = lines.next()) {
    if (trimmed(*line).empty()) {
      finish(report, fields);
      continue;
    }
    const std::size_t colon = line->find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line->substr(0, colon);
    std::string value(line->substr(colon + 1, 4096));
    while (const auto folded = lines.next_folded()) {
      if (value.size() < paragraph_bytes_max)
        value += " " + std::string(trimmed(*folded).substr(0, 4096));
    }
    set_field(fields, name, value);
  }
  finish(report, fields);
}

// The first reader that knows the format finds all of it.
std::vector<BouncedRecipient> read_text(std::string_view text, const NoticeHeader& header) {
  text = own_text(text);
  Findings findings = read_transcript(text);
  if (findings.is_empty()) findings = read_labels(text);
  if (findings.is_empty()) findings = read_paragraphs(text);
  std::vector<BouncedRecipient> recipients = std::move(findings).finish();
  if (recipients.size() == 1 && recipients[0].recipient.empty() &&
      header.failed_recipients.size() == 1)
    recipients[0].recipient = header.failed_recipients[0];
  return recipients;
}

// Reports tell neither phases, nor always the reply and the host; the text beside them often does.
void complete(std::vector<BouncedRecipient>& failed, const std::vector<BouncedRecipient>& told) {
  std::map<std::string, const BouncedRecipient*> by_address;
  for (const BouncedRecipient& recipient : told)
    by_address.emplace(lower(recipient.recipient), &recipient);
  for (BouncedRecipient& recipient : failed) {
    const auto found = by_address.find(lower(recipient.recipient));
    if (found == by_address.end()) continue;
    const BouncedRecipient& other = *found->second;
    if (recipient.phase == Phase::rcpt) recipient.phase = other.phase;
    if (recipient.host.empty()) recipient.host = other.host;
    const Reply& reply = recipient.reply;
    if (reply.enhanced && reply.text == to_string(*reply.enhanced)) recipient.reply = other.reply;
  }
}

// A message taken apart: what is read as report, and what as text.
struct Content {
  NoticeHeader header;
  std::vector<std::string> statuses;
  std::string text;
};

Content content_of(std::string_view message) {
  Content content;
  if (!looks_like_message(message)) {
    content.header.tells_failure = true;
    content.text = message;
    return content;
  }
  if (first_value(message, "reporting-mta") || first_value(message, "final-recipient")) {
    content.statuses.emplace_back(message);
    return content;
  }
  if (message.starts_with("From ")) message.remove_prefix(message.find('\n') + 1);
  content.header = read_notice_header(message);
  for (MimePart& part : readable_parts(message)) {
    if (part.is_status) {
      content.statuses.push_back(std::move(part.text));
    } else {
      content.text += part.text;
      content.text += "\n\n";
    }
  }
  return content;
}

// What RFC 5322 section 3.6.8 allows is wider; but no field in use has quotes or brackets, and a
// line of JSON begins with them.
bool is_field_name(std::string_view name) {
  const auto is_part = [](char c) {
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' || c == '_' ||
           c == '.';
  };
  return !name.empty() && !is_digit(name.front()) && std::all_of(name.begin(), name.end(), is_part);
}

// A list of replies may look like fields ("google: 550 …"); a message has one of these.
bool is_usual_field(std::string_view name) {
  constexpr std::array<std::string_view, 10> usual{
      "from",        "to",         "subject",      "date",         "received",
      "return-path", "message-id", "mime-version", "content-type", "reporting-mta"};
  return std::ranges::any_of(usual, [&](std::string_view one) { return is_same(one, name); });
}

}  // namespace

bool looks_like_message(std::string_view text) {
  Lines lines(text);
  std::size_t fields = 0;
  bool has_usual = false;
  while (const auto line = lines.next()) {
    if (line->empty()) return fields >= 2 && has_usual;
    if (line->starts_with(' ') || line->starts_with('\t')) continue;
    if (fields == 0 && line->starts_with("From ")) continue;
    const std::size_t colon = line->find(':');
    if (colon == std::string_view::npos || !is_field_name(line->substr(0, colon))) return false;
    has_usual = has_usual || is_usual_field(line->substr(0, colon));
    if (++fields == 200) return has_usual;
  }
  return fields >= 2 && has_usual;
}

std::optional<Bounce> parse_bounce(std::string_view message) {
  const Content content = content_of(message.substr(0, Bounce::bytes_max));
  const bool is_notice = is_failure_notice(content.header, own_text(content.text));
  Report report;
  for (const std::string& status : content.statuses) read_report(status, report);
  // Amazon SES and others write the fields into the text.
  if (!report.has_recipients && is_notice) read_report(own_text(content.text), report);
  Bounce bounce{.format = BounceFormat::report, .recipients = std::move(report.failed)};
  if (!bounce.recipients.empty()) {
    complete(bounce.recipients, read_text(content.text, content.header));
  } else if (!report.has_recipients && is_notice) {
    bounce.format = BounceFormat::text;
    bounce.recipients = read_text(content.text, content.header);
  }
  if (bounce.recipients.empty()) return std::nullopt;
  return bounce;
}

}  // namespace mailweir::provider
