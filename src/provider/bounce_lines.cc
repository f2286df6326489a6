#include "provider/bounce_lines.h"

#include <array>
#include <utility>

#include "base/ascii.h"
#include "provider/reply_text.h"
#include "provider/spoken_reply.h"

namespace mailweir::provider {
namespace {

using ascii::is_digit;
using ascii::lower;
using ascii::trimmed;

constexpr std::size_t address_bytes_max = 320;
constexpr std::size_t prose_bytes_max = 1024;

// Of the mail systems that deliver by themselves, and say so without a reply.
constexpr auto wordings =
    std::to_array<std::string_view>({"user unknown",
                                     "unknown user",
                                     "unknown recipient",
                                     "unknown local",
                                     "no such user",
                                     "user not found",
                                     "no such recipient",
                                     "no such mailbox",
                                     "no such account",
                                     "no mailbox here by that name",
                                     "mailbox unavailable",
                                     "mailbox not found",
                                     "unrouteable address",
                                     "unroutable address",
                                     "mailbox is full",
                                     "mailbox full",
                                     "quota exceeded",
                                     "exceeded storage",
                                     "over quota",
                                     "account is full",
                                     "account is disabled",
                                     "account has been disabled",
                                     "invalid recipient",
                                     "not listed in domino directory",
                                     "not listed in public name & address book",
                                     "couldn't find any host",
                                     "unknown host",
                                     "host unknown",
                                     "host not found",
                                     "retry timeout exceeded",
                                     "retry time not reached for any host",
                                     "too many hops"});

// The domain does not exist: the rules know that by its status (RFC 3463: 5.1.2).
constexpr auto unknown_hosts =
    std::to_array<std::string_view>({"couldn't find any host", "unknown host", "host unknown",
                                     "host not found", "domain name not found"});

// What a mail system adds of its own behind the reason.
constexpr auto trailers = std::to_array<std::string_view>(
    {"i'm not going to try again", "giving up on ", "i've given up on "});

// One line, with a blank before it: the words that are looked for stand behind one (" host ").
std::string joined(std::string_view paragraph) {
  std::string line = " ";
  line += paragraph.substr(0, paragraph_bytes_max);
  std::ranges::replace(line, '\n', ' ');
  return line;
}

std::string_view without_trailer(std::string_view text, std::string_view folded) {
  for (const std::string_view trailer : trailers)
    text = text.substr(0, std::min(text.size(), folded.find(trailer)));
  return trimmed(text);
}

// "554: delivery error", "550 5.1.1 unknown", "550-first 550 last": 4yz and 5yz only.
std::optional<Reply> reply_at(std::string_view text) {
  if (text.size() < 3 || (text[0] != '4' && text[0] != '5') || !is_digit(text[1]) ||
      !is_digit(text[2]))
    return std::nullopt;
  if (text.size() == 3 || text[3] == ' ' || text[3] == '-' || text[3] == '\n')
    return parse_reply_text(text);
  if (text[3] != ':') return std::nullopt;
  return parse_reply_text(std::string(text.substr(0, 3)) + " " +
                          std::string(trimmed(text.substr(4))));
}

// The reply that begins with one of the lines.
std::optional<Reply> reply_in_lines(std::string_view paragraph) {
  while (!paragraph.empty()) {
    const std::size_t end = std::min(paragraph.find('\n'), paragraph.size());
    if (reply_at(paragraph.substr(0, end))) {
      const std::string all = joined(paragraph);
      return reply_at(without_trailer(all, lower(all)));
    }
    paragraph.remove_prefix(std::min(end + 1, paragraph.size()));
  }
  return std::nullopt;
}

// "(#5.1.1)", as qmail ends its reasons, and "<mx.example.org #5.1.1>", as Exchange does.
std::optional<EnhancedStatus> marked_status(std::string_view text) {
  for (const auto& [begin, end] : {std::pair("(#", ')'), std::pair(" #", '>')}) {
    const std::size_t at = text.find(begin);
    if (at == std::string_view::npos) continue;
    const std::string_view marked = text.substr(at + 2, 16);
    const std::size_t length = marked.find(end);
    if (length == std::string_view::npos) continue;
    const auto status = parse_enhanced_status(marked.substr(0, length));
    if (status && status->klass >= 4) return status;
  }
  return std::nullopt;
}

// Without "LOCAL module(account ken) reports:" (CommuniGate Pro) and "***** … *****".
std::string_view bare_reason(std::string_view text) {
  constexpr std::string_view reports = " reports:";
  if (const std::size_t at = text.find(reports);
      at != std::string_view::npos && text.substr(0, at).contains("module"))
    text.remove_prefix(at + reports.size());
  while (text.starts_with('*') || text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with('*') || text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool is_address_part(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
         std::string_view("@.-_+=/'&!#$%*?^`{|}~").contains(c);
}

// qmail: "192.0.2.9 does not like recipient."
std::string host_before_complaint(std::string_view folded) {
  for (const std::string_view words :
       {" does not like recipient", " failed after i sent the message",
        " failed on data command"}) {
    const std::size_t end = folded.find(words);
    if (end == std::string_view::npos) continue;
    const std::size_t blank = folded.substr(0, end).rfind(' ');
    return host_name(folded.substr(0, end).substr(blank + 1));
  }
  return {};
}

// Yahoo names the host that refused at the end of its reply: "… [0] - mta1.yahoo.com".
std::string host_at_end(std::string_view text) {
  const std::size_t at = text.rfind("] - ");
  if (at == std::string_view::npos || !text.contains("delivery error:")) return {};
  const std::string host = host_name(text.substr(at + 4));
  return host.contains('.') ? host : std::string();
}

}  // namespace

std::string_view lone_address(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('<') && text.ends_with('>')) text = text.substr(1, text.size() - 2);
  const std::size_t at = text.rfind('@');
  if (text.size() > address_bytes_max || at == std::string_view::npos || at == 0 ||
      at + 1 == text.size() || text.find_first_of(" \t<>()[],;:") != std::string_view::npos)
    return {};
  return text;
}

std::string address_in(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return {};
  std::size_t begin = at;
  while (begin > 0 && is_address_part(text[begin - 1])) --begin;
  std::size_t end = at;
  while (end < text.size() && is_address_part(text[end])) ++end;
  while (end > at && (text[end - 1] == '.' || text[end - 1] == '?' || text[end - 1] == '\'')) --end;
  while (begin < at && text[begin] == '\'') ++begin;
  return std::string(text.substr(begin, end - begin).substr(0, address_bytes_max));
}

std::string host_name(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('[')) text.remove_prefix(1);
  text = text.substr(0, text.find_first_of(" \t(]"));
  while (text.ends_with('.') || text.ends_with(':')) text.remove_suffix(1);
  return lower(text.substr(0, 255));
}

Reply reply_of_status(EnhancedStatus status, std::string_view text) {
  Reply reply;
  reply.code = status.klass == 4 ? 450 : 550;
  reply.enhanced = status;
  reply.text = to_string(status);
  if (!text.empty()) reply.text += " " + std::string(text.substr(0, prose_bytes_max));
  return reply;
}

std::optional<Told> read_told(std::string_view paragraph, bool any_prose) {
  const std::string all = joined(paragraph);
  const std::string folded = lower(all);
  if (auto spoken = find_spoken_reply(all)) {
    Told told{Evidence::code, std::move(spoken->reply), spoken->phase, std::move(spoken->host)};
    if (told.host.empty()) told.host = host_before_complaint(folded);
    return told;
  }
  const std::optional<Phase> phase = named_phase(folded);
  if (auto reply = reply_in_lines(paragraph)) {
    std::string host = host_at_end(reply->text);
    if (host.empty()) host = named_host(folded);
    return Told{Evidence::code, std::move(*reply), phase, std::move(host)};
  }
  const std::string_view reason = bare_reason(without_trailer(all, folded));
  Told told{.evidence = Evidence::prose, .reply = {}, .phase = phase, .host = named_host(folded)};
  told.reply.code = 550;
  told.reply.text = reason.substr(0, prose_bytes_max);
  if (const auto status = marked_status(reason)) {
    told.evidence = Evidence::status;
    told.reply.code = status->klass == 4 ? 450 : 550;
    told.reply.enhanced = status;
    return told;
  }
  const auto is_said = [&](std::string_view words) { return folded.contains(words); };
  if (std::ranges::any_of(unknown_hosts, is_said)) {
    told.evidence = Evidence::wording;
    told.reply.enhanced = EnhancedStatus{5, 1, 2};
  } else if (std::ranges::any_of(wordings, is_said)) {
    told.evidence = Evidence::wording;
  } else if (!any_prose || reason.empty()) {
    return std::nullopt;
  }
  return told;
}

void Findings::add(std::string_view recipient, Told told) {
  BouncedRecipient bounced{.recipient = std::string(recipient.substr(0, address_bytes_max)),
                           .host = std::move(told.host),
                           .phase = told.phase.value_or(Phase::rcpt),
                           .reply = std::move(told.reply)};
  // docomo hides the name of the user, and only there.
  if (recipient.starts_with("***@")) {
    if (std::string address = address_in(bounced.reply.text); !address.empty())
      bounced.recipient = std::move(address);
  }
  const std::string key = lower(bounced.recipient);
  if (const auto known = place_.find(key); known != place_.end()) {
    Found& found = found_[known->second];
    if (found.evidence < told.evidence) found = {told.evidence, std::move(bounced)};
    return;
  }
  if (found_.size() >= Bounce::recipients_max) return;
  if (!key.empty()) place_.emplace(key, found_.size());
  found_.push_back({told.evidence, std::move(bounced)});
}

std::vector<BouncedRecipient> Findings::finish() && {
  std::vector<BouncedRecipient> recipients;
  recipients.reserve(found_.size());
  for (Found& found : found_) recipients.push_back(std::move(found.bounced));
  return recipients;
}

}  // namespace mailweir::provider
