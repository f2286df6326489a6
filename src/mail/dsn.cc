#include "mail/dsn.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/assert.h"
#include "base/ids.h"
#include "mail/dsn_text.h"
#include "mail/header.h"
#include "mail/quoted_printable.h"
#include "mail/utf8.h"
#include "mail/xtext.h"

namespace mailweir {
namespace {

constexpr std::size_t returned_header_max = 50 * 1024;
constexpr std::size_t diagnostic_max = 2000;  // octets of a reply in the report
constexpr std::size_t line_wanted = 76;       // RFC 5322 section 2.1.1: 78 with room for a break
constexpr std::size_t line_max = 998;
constexpr std::size_t token_max = 40;  // a boundary has at most 70 octets (RFC 2046 section 5.1.1)
constexpr std::size_t message_id_max = 250;

// Seven-bit everywhere, or UTF-8 in addresses and returned header (RFC 6533): the second only when
// the notice itself goes to an address outside ASCII, because then every server on its way must
// know SMTPUTF8.
enum class Form : std::uint8_t { ascii, utf8 };

struct Part {
  std::string_view type;
  std::string_view encoding;
  std::string body;  // CRLF lines
};

std::string only(std::string_view text, std::string_view extra, std::size_t max) {
  std::string out;
  for (const char c : text) {
    const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (out.size() < max && (alnum || extra.find(c) != std::string_view::npos)) out.push_back(c);
  }
  return out;
}

std::string clean_host(std::string_view host) {
  std::string out = only(host, ".-_:[]", 255);
  return out.empty() ? "localhost" : out;
}

// Outside text that may stand in a field: no controls; beyond ASCII only in the UTF-8 form; cut at
// `diagnostic_max`.
std::string clean_text(std::string_view text, Form form) {
  std::string escaped;
  append_escaped(escaped, text.substr(0, diagnostic_max));
  if (text.size() > diagnostic_max) escaped.append(" [...]");
  if (form == Form::utf8 || is_ascii(escaped)) return escaped;
  std::string ascii;
  for (const char c : escaped) {
    if (static_cast<unsigned char>(c) < 0x80) {
      ascii.push_back(c);
    } else {
      fmt::format_to(std::back_inserter(ascii), "\\x{:02X}", static_cast<unsigned char>(c));
    }
  }
  return ascii;
}

// Cuts off the front of `word` what fits in `room` octets, never within a character.
std::string_view take_piece(std::string_view& word, std::size_t room) {
  std::size_t length = std::min(room, word.size());
  while (length > 1 && length < word.size() && (word[length] & '\xC0') == '\x80') --length;
  const std::string_view piece = word.substr(0, length);
  word.remove_prefix(length);
  return piece;
}

// "Name: value", folded at spaces; a word too long for any line is broken. `value` has no controls.
void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).push_back(':');
  std::size_t column = name.size() + 1;
  while (true) {
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    if (value.empty()) break;
    std::string_view word = value.substr(0, value.find(' '));
    value.remove_prefix(word.size());
    while (!word.empty()) {
      if (column + 1 + word.size() > line_wanted && column > name.size() + 1) {
        out.append("\r\n");
        column = 0;
      }
      const std::string_view piece = take_piece(word, line_max - 100 - column);
      out.append(" ").append(piece);
      column += 1 + piece.size();
    }
  }
  out.append("\r\n");
}

// The type and the form of an address in a report (RFC 3464 section 2.3.2, RFC 6533 section 3).
std::string typed_address(std::string_view address, Form form) {
  if (is_ascii(address)) return fmt::format("rfc822; {}", clean_text(address, form));
  if (form == Form::utf8) return fmt::format("utf-8; {}", clean_text(address, form));
  return fmt::format("utf-8; {}", encode_utf8_address(address));
}

// An address is never folded: its spaces, if it has any, are part of it.
void append_address_field(std::string& out, std::string_view name, std::string_view typed) {
  out.append(name).append(": ").append(typed).append("\r\n");
}

void append_original_recipient(std::string& out, const Recipient& recipient, Form form) {
  if (recipient.original_recipient.empty()) return;
  const auto original =
      parse_original_recipient(recipient.original_recipient, AddressCharset::utf8);
  if (!original) return;  // intake checked it; an older record may still hold anything
  const bool wide = !is_ascii(original->address);
  append_address_field(out, "Original-Recipient",
                       wide ? typed_address(original->address, form)
                            : fmt::format("{}; {}", original->type, original->address));
}

void append_message_fields(std::string& out, const DsnRequest& request) {
  append_field(out, "Reporting-MTA", "dns; " + clean_host(request.hostname));
  if (const auto id = parse_envelope_id(request.message.envelope.envelope_id)) {
    append_field(out, "Original-Envelope-Id", *id);
  }
  append_field(out, "X-Mailweir-Message-ID", to_string(request.message.id));
  append_field(out, "Arrival-Date", to_rfc5322_date(request.message.received_at));
}

void append_recipient_fields(std::string& out, const DsnRequest& request,
                             const DsnRecipient& recipient, Form form) {
  append_original_recipient(out, recipient.recipient, form);
  append_address_field(out, "Final-Recipient",
                       typed_address(recipient.recipient.mailbox.text(), form));
  append_field(out, "Action", to_string(request.action));
  append_field(out, "Status", to_string(recipient.status));
  if (!recipient.remote_host.empty())
    append_field(out, "Remote-MTA", "dns; " + clean_host(recipient.remote_host));
  if (recipient.reply.code != 0) {
    std::string text = recipient.reply.text;
    std::ranges::replace(text, '\n', ' ');
    append_field(out, "Diagnostic-Code",
                 fmt::format("smtp; {} {}", recipient.reply.code, clean_text(text, form)));
  } else if (!recipient.explanation.empty()) {
    append_field(out, "Diagnostic-Code", "x-mailweir; " + clean_text(recipient.explanation, form));
  }
  if (recipient.last_attempt_at != UnixTime{}) {
    append_field(out, "Last-Attempt-Date", to_rfc5322_date(recipient.last_attempt_at));
  }
  if (request.action == DsnAction::delayed && request.message.expires_at != UnixTime{}) {
    append_field(out, "Will-Retry-Until", to_rfc5322_date(request.message.expires_at));
  }
}

Part status_part(const DsnRequest& request, Form form) {
  std::string body;
  append_message_fields(body, request);
  for (const DsnRecipient& recipient : request.recipients) {
    body.append("\r\n");
    append_recipient_fields(body, request, recipient, form);
  }
  if (form == Form::ascii) return {"message/delivery-status", "7bit", std::move(body)};
  return {"message/global-delivery-status", "8bit", std::move(body)};
}

// The original's header as far as it goes in whole fields, its line ends made CRLF.
std::string returned_header(std::string_view content) {
  HeaderScanner scanner(content);
  std::string out;
  while (const auto field = scanner.next()) {
    if (scanner.fields_size() > returned_header_max) break;
    for (std::size_t i = 0; i < field->whole.size(); ++i) {
      const char c = field->whole[i];
      if (c == '\n' && !out.ends_with('\r')) out.push_back('\r');
      out.push_back(c);
    }
  }
  if (!out.empty() && !out.ends_with("\r\n")) out.append("\r\n");
  return out;
}

// Whether text may travel as it is: no control that some server drops or takes for a line end, no
// line too long.
bool is_plain_text(std::string_view text, Form form) {
  if (form == Form::ascii ? !is_ascii(text) : !is_valid_utf8(text)) return false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.size() > line_max ||
        line.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos)
      return false;
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return true;
}

Part header_part(const DsnRequest& request, Form form) {
  std::string header = returned_header(request.content);
  const std::string_view type =
      form == Form::utf8 ? "message/global-headers" : "text/rfc822-headers";
  if (is_plain_text(header, form))
    return {type, form == Form::utf8 ? "8bit" : "7bit", std::move(header)};
  return {type, "quoted-printable", encode_quoted_printable(header)};
}

std::string choose_boundary(std::string_view token, std::span<const Part> parts) {
  std::string boundary = "=_mailweir-" + only(token, "", token_max);
  const auto occurs = [&](const Part& part) {
    return part.body.find(boundary) != std::string::npos;
  };
  while (std::ranges::any_of(parts, occurs)) boundary.push_back('x');
  return boundary;
}

std::string_view subject_of(DsnAction action, DsnAudience audience) {
  if (audience == DsnAudience::postmaster) return "Undeliverable notification (double bounce)";
  switch (action) {
    case DsnAction::failed:
      return "Delivery status notification: not delivered";
    case DsnAction::delayed:
      return "Delivery status notification: delayed";
    case DsnAction::relayed:
      return "Delivery status notification: relayed";
  }
  return "Delivery status notification";
}

// Lets mail programs show the notice beside the message. A Message-ID is whatever its sender wrote:
// only a plain one is used.
void append_references(std::string& out, std::string_view content) {
  const auto value = first_value(content, "Message-ID");
  if (!value) return;
  const std::string id = unfold(*value);
  const bool plain = id.size() > 2 && id.size() <= message_id_max && id.front() == '<' &&
                     id.back() == '>' &&
                     std::ranges::all_of(id, [](char c) { return c > ' ' && c < '\x7F'; }) &&
                     std::ranges::count(id, '<') == 1 && std::ranges::count(id, '>') == 1;
  if (plain) append_field(out, "References", id);
}

std::string compose_content(const DsnRequest& request, const Mailbox& addressee,
                            DsnAudience audience) {
  const Form form = addressee.is_ascii() ? Form::ascii : Form::utf8;
  const std::string host = clean_host(request.hostname);
  const Part parts[] = {
      {"text/plain; charset=utf-8", "quoted-printable",
       encode_quoted_printable(dsn_text(request, audience))},
      status_part(request, form),
      header_part(request, form),
  };
  const std::string boundary = choose_boundary(request.token, parts);

  std::string out;
  out.reserve(2048 + parts[0].body.size() + parts[1].body.size() + parts[2].body.size());
  append_field(out, "Date", to_rfc5322_date(request.at));
  append_field(out, "From", fmt::format("Mail Delivery System <MAILER-DAEMON@{}>", host));
  append_address_field(out, "To", fmt::format("<{}>", clean_text(addressee.text(), form)));
  append_field(out, "Subject", subject_of(request.action, audience));
  append_field(out, "Message-ID", fmt::format("<{}@{}>", only(request.token, "", token_max), host));
  append_references(out, request.content);
  append_field(out, "Auto-Submitted", "auto-replied");
  append_field(out, "MIME-Version", "1.0");
  append_field(
      out, "Content-Type",
      fmt::format("multipart/report; report-type=delivery-status; boundary=\"{}\"", boundary));
  if (form == Form::utf8) append_field(out, "Content-Transfer-Encoding", "8bit");
  out.append("\r\n");
  for (const Part& part : parts) {
    out.append("--").append(boundary).append("\r\n");
    append_field(out, "Content-Type", part.type);
    append_field(out, "Content-Transfer-Encoding", part.encoding);
    out.append("\r\n").append(part.body).append("\r\n");
  }
  out.append("--").append(boundary).append("--\r\n");
  return out;
}

DsnMessage compose(const DsnRequest& request, const Mailbox& addressee, DsnAudience audience) {
  WEIR_ASSERT(!addressee.empty());
  WEIR_ASSERT(!request.recipients.empty());
  DsnMessage dsn;
  dsn.content = compose_content(request, addressee, audience);
  dsn.envelope.smtputf8 = !addressee.is_ascii();
  dsn.envelope.body = dsn.envelope.smtputf8 ? BodyType::eight_bit_mime : BodyType::seven_bit;
  // A notice about a notice is never sent (RFC 3461 section 6.2), so nothing is asked for.
  dsn.envelope.recipients.push_back(Recipient{addressee, DsnNotify::never, {}});
  return dsn;
}

}  // namespace

std::string_view to_string(DsnAction action) {
  switch (action) {
    case DsnAction::failed:
      return "failed";
    case DsnAction::delayed:
      return "delayed";
    case DsnAction::relayed:
      return "relayed";
  }
  return "failed";
}

bool is_dsn_wanted(const Envelope& envelope, const Recipient& recipient, DsnAction action) {
  if (envelope.reverse_path.is_null() || has(recipient.notify, DsnNotify::never)) return false;
  const bool unspecified = recipient.notify == DsnNotify::unspecified;
  switch (action) {
    case DsnAction::failed:
      return unspecified || has(recipient.notify, DsnNotify::failure);
    case DsnAction::delayed:
      return unspecified || has(recipient.notify, DsnNotify::delay);
    case DsnAction::relayed:
      return has(recipient.notify, DsnNotify::success);
  }
  return false;
}

EnhancedStatus dsn_status(DsnAction action, Disposition disposition, const Reply& reply) {
  std::uint8_t klass = 5;
  if (action == DsnAction::relayed) klass = 2;
  if (action == DsnAction::delayed) klass = 4;
  if (action == DsnAction::failed && disposition == Disposition::expired) return {4, 4, 7};
  if (reply.enhanced && reply.enhanced->klass == klass) return *reply.enhanced;
  return {klass, 0, 0};
}

DsnMessage compose_dsn(const DsnRequest& request) {
  return compose(request, request.message.envelope.reverse_path.mailbox, DsnAudience::sender);
}

DsnMessage compose_double_bounce(const DsnRequest& request, const Mailbox& postmaster) {
  return compose(request, postmaster, DsnAudience::postmaster);
}

}  // namespace mailweir
