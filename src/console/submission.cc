#include "console/submission.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "mail/header.h"

namespace mailweir::console {
namespace {

using Json = nlohmann::json;

// The words of a submission, before any is believed.
struct Draft {
  std::optional<std::string> from;
  std::vector<std::string> to;
  std::string message_class;
  std::string tenant;
  std::string campaign;
  std::string not_before;
  std::string content;
};

Error unknown_field(std::string_view name) {
  return {Errc::invalid_argument, fmt::format("unknown field \"{}\"; known are from, to, class, "
                                              "tenant, campaign, not_before and, in JSON, content",
                                              name)};
}

Result<Draft> read_query(Request request) {
  Draft draft;
  for (auto& [name, value] : request.query) {
    if (name == "from") {
      draft.from = std::move(value);
    } else if (name == "to") {
      draft.to.push_back(std::move(value));
    } else if (name == "class") {
      draft.message_class = std::move(value);
    } else if (name == "tenant") {
      draft.tenant = std::move(value);
    } else if (name == "campaign") {
      draft.campaign = std::move(value);
    } else if (name == "not_before") {
      draft.not_before = std::move(value);
    } else {
      return std::unexpected(unknown_field(name));
    }
  }
  draft.content = std::move(request.body);
  return draft;
}

Result<std::string> string_of(const std::string& name, const Json& value) {
  if (!value.is_string())
    return fail(Errc::invalid_argument, fmt::format("\"{}\" must be a string", name));
  return value.get<std::string>();
}

Result<std::vector<std::string>> strings_of(const std::string& name, const Json& value) {
  if (!value.is_array())
    return fail(Errc::invalid_argument, fmt::format("\"{}\" must be an array of strings", name));
  std::vector<std::string> strings;
  for (const Json& element : value) {
    WEIR_TRY(std::string text, string_of(name, element));
    strings.push_back(std::move(text));
  }
  return strings;
}

Result<Draft> read_json(const std::string& body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return fail(Errc::invalid_argument, "the body is not a JSON object");
  Draft draft;
  for (const auto& [name, value] : json.items()) {
    if (name == "from") {
      WEIR_TRY(draft.from, string_of(name, value));
    } else if (name == "to") {
      WEIR_TRY(draft.to, strings_of(name, value));
    } else if (name == "class") {
      WEIR_TRY(draft.message_class, string_of(name, value));
    } else if (name == "tenant") {
      WEIR_TRY(draft.tenant, string_of(name, value));
    } else if (name == "campaign") {
      WEIR_TRY(draft.campaign, string_of(name, value));
    } else if (name == "not_before") {
      WEIR_TRY(draft.not_before, string_of(name, value));
    } else if (name == "content") {
      WEIR_TRY(draft.content, string_of(name, value));
    } else {
      return std::unexpected(unknown_field(name));
    }
  }
  return draft;
}

Result<Mailbox> read_mailbox(std::string_view what, std::string_view text) {
  auto mailbox = Mailbox::parse(text, AddressCharset::utf8);
  if (!mailbox) {
    return fail(Errc::invalid_argument,
                fmt::format("{} \"{}\": {}", what, text, mailbox.error().context));
  }
  return mailbox;
}

Result<Envelope> read_envelope(const Draft& draft) {
  Envelope envelope;
  if (!draft.from)
    return fail(Errc::invalid_argument, "\"from\" is missing; the null sender is written \"<>\"");
  if (!draft.from->empty() && *draft.from != "<>") {
    WEIR_TRY(envelope.reverse_path.mailbox, read_mailbox("from", *draft.from));
  }
  if (draft.to.empty())
    return fail(Errc::invalid_argument, "\"to\" is missing: at least one recipient is needed");
  if (draft.to.size() > submission_recipients_max) {
    return fail(Errc::invalid_argument,
                fmt::format("{} recipients are too many; at most {} a message", draft.to.size(),
                            submission_recipients_max));
  }
  for (const std::string& to : draft.to) {
    WEIR_TRY(Mailbox mailbox, read_mailbox("to", to));
    envelope.smtputf8 = envelope.smtputf8 || !mailbox.is_ascii();
    envelope.recipients.push_back(
        {.mailbox = std::move(mailbox), .notify = {}, .original_recipient = {}});
  }
  envelope.smtputf8 = envelope.smtputf8 || !envelope.reverse_path.mailbox.is_ascii();
  return envelope;
}

bool has_8bit(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; });
}

}  // namespace

Result<std::string> to_crlf(std::string_view text) {
  std::string lines;
  lines.reserve(text.size() + text.size() / 32 + 2);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find('\r') != std::string_view::npos) {
      return fail(Errc::invalid_argument, "the content has a CR without LF");
    }
    if (line.find('\0') != std::string_view::npos)
      return fail(Errc::invalid_argument, "the content has a NUL");
    lines += line;
    lines += "\r\n";
  }
  return lines;
}

Result<Submission> read_submission(Request request) {
  const bool is_json = request.content_type == "application/json";
  if (!is_json && request.content_type != "message/rfc822") {
    return fail(Errc::unsupported, "the Content-Type must be message/rfc822 or application/json");
  }
  Submission submission;
  submission.actor = request.actor;
  WEIR_TRY(Draft draft, is_json ? read_json(request.body) : read_query(std::move(request)));
  WEIR_TRY(submission.envelope, read_envelope(draft));
  WEIR_TRY(submission.content, to_crlf(draft.content));
  HeaderScanner header(submission.content);
  if (!header.next()) {
    return fail(Errc::invalid_argument,
                "the content does not begin with a header field such as \"Subject: …\" (RFC 5322)");
  }
  while (header.next()) {
  }
  if (header.end() != HeaderEnd::blank_line && header.end() != HeaderEnd::no_body) {
    return fail(
        Errc::invalid_argument,
        "the header of the content is broken: an empty line must stand between header and body");
  }
  if (has_8bit(submission.content)) submission.envelope.body = BodyType::eight_bit_mime;
  if (has_8bit(std::string_view(submission.content).substr(0, header.fields_size())))
    submission.envelope.smtputf8 = true;
  submission.message_class = std::move(draft.message_class);
  submission.tenant = std::move(draft.tenant);
  submission.campaign = std::move(draft.campaign);
  if (!draft.not_before.empty()) {
    const auto time = parse_rfc3339(draft.not_before);
    if (!time) {
      return fail(Errc::invalid_argument,
                  fmt::format("not_before \"{}\" is no time; write it as 2026-11-22T18:00:00+09:00",
                              draft.not_before));
    }
    submission.not_before = *time;
  }
  return submission;
}

}  // namespace mailweir::console
