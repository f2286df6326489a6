#include "provider/spoken_reply.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "provider/reply_text.h"

namespace mailweir::provider {
namespace {

using ascii::is_digit;
using ascii::lower;

constexpr std::size_t reply_bytes_max = 2048;

// What stands directly before the quoted reply. Searched in this order.
constexpr auto marks = std::to_array<std::string_view>(
    {"refused to talk to me: ", " said: ", "remote host said: ",
     "smtp error from remote mail server", "smtp error from remote server",
     "smtp error from remote mailer", "remote server returned '",
     "remote server returned: ", "response from the remote server was: ", "the response was: ",
     "server returned was: ", "diagnostic-code: smtp; ", " says: "});

// Where a quotation ends.
constexpr auto ends = std::to_array<std::string_view>(
    {" (in reply to ", "(in reply to ", " giving up on ", " i'm not going to try again",
     ": retry timeout exceeded", " ##", "#smtp#", ">#", "' (", "\"}"});

struct Named {
  std::string_view words;
  Phase phase;
};

// Longer wordings before those they contain.
constexpr auto phases = std::to_array<Named>({
    {"refused to talk to me", Phase::banner},
    {"in reply to helo", Phase::ehlo},
    {"in reply to ehlo", Phase::ehlo},
    {"in reply to mail from", Phase::mail},
    {"in reply to rcpt to", Phase::rcpt},
    {"in reply to end of data", Phase::end_of_data},
    {"in reply to data", Phase::data},
    {"in reply to starttls", Phase::starttls},
    {"after initial connection", Phase::banner},
    {"after helo", Phase::ehlo},
    {"after ehlo", Phase::ehlo},
    {"after mail from", Phase::mail},
    {"after rcpt to", Phase::rcpt},
    {"after pipelined rcpt to", Phase::rcpt},
    {"after pipelined mail from", Phase::mail},
    {"after end of data", Phase::end_of_data},
    {"after pipelined end of data", Phase::end_of_data},
    {"after data", Phase::data},
    {"server in greeting", Phase::banner},
    {"for helo command", Phase::ehlo},
    {"for ehlo command", Phase::ehlo},
    {"for mail from command", Phase::mail},
    {"for rcpt to command", Phase::rcpt},
    {"for text command", Phase::end_of_data},
    {"after transfer of mail text", Phase::end_of_data},
    {"for data command", Phase::data},
    {"but greeting failed", Phase::banner},
    {"but sender was rejected", Phase::mail},
    {"does not like recipient", Phase::rcpt},
    {"failed after i sent the message", Phase::end_of_data},
    {"failed on data command", Phase::data},
});

bool is_host_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '-' || c == '_';
}

// The first "4nn" or "5nn" that may begin a reply, at or behind `from`.
std::size_t code_at(std::string_view text, std::size_t from) {
  for (std::size_t at = from; at + 3 <= text.size(); ++at) {
    const bool is_code =
        (text[at] == '4' || text[at] == '5') && is_digit(text[at + 1]) && is_digit(text[at + 2]);
    const bool begins = at == 0 || text[at - 1] == ' ' || text[at - 1] == ';' ||
                        text[at - 1] == '\'' || text[at - 1] == '#' || text[at - 1] == '<' ||
                        text[at - 1] == '"';
    const bool ends_there = at + 3 == text.size() || text[at + 3] == ' ' || text[at + 3] == '-';
    if (is_code && begins && ends_there) return at;
  }
  return std::string_view::npos;
}

// Exchange writes "#550 5.1.1 RESOLVER…" and "#5.1.1 smtp;550 5.1.1 …"; "order #550" is none.
std::size_t numbered_code_at(std::string_view folded) {
  constexpr std::size_t tries_max = 16;
  constexpr std::size_t near = 24;
  std::size_t at = folded.find(" #");
  for (std::size_t tries = 0; at != std::string_view::npos && tries < tries_max; ++tries) {
    const std::size_t begin = std::min(folded.find_first_not_of("< #", at), folded.size());
    const std::string_view first = folded.substr(begin, near);
    const std::size_t blank = std::min(first.find(' '), first.size() - 1);
    const std::string_view second = first.empty() ? first : first.substr(blank + 1);
    const std::size_t code = code_at(first, 0);
    const bool is_status_first =
        parse_enhanced_status(first.substr(0, first.find(' '))).has_value();
    const bool is_code_first =
        parse_enhanced_status(second.substr(0, second.find(' '))).has_value();
    if ((is_status_first && code != std::string_view::npos) || (is_code_first && code == 0))
      return begin + code;
    at = folded.find(" #", begin);
  }
  return std::string_view::npos;
}

}  // namespace

std::optional<Phase> named_phase(std::string_view folded) {
  for (const Named& named : phases) {
    if (folded.contains(named.words)) return named.phase;
  }
  return std::nullopt;
}

std::string named_host(std::string_view folded) {
  for (const std::string_view word :
       {"relay=", " h=", "(host ", ": host ", " host ", " host: ", "connected to "}) {
    const std::size_t at = folded.find(word);
    if (at == std::string_view::npos) continue;
    std::string_view rest = folded.substr(at + word.size());
    const auto end = std::find_if_not(rest.begin(), rest.end(), is_host_character);
    rest = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    if (rest.ends_with('.')) rest.remove_suffix(1);
    if (rest.contains('.')) return std::string(rest);
  }
  return {};
}

std::optional<SpokenReply> find_spoken_reply(std::string_view text) {
  const std::string folded = lower(text.substr(0, 4 * reply_bytes_max));
  text = text.substr(0, folded.size());
  std::size_t begin = std::string_view::npos;
  bool is_in_quotes = false;
  for (const std::string_view mark : marks) {
    const std::size_t at = folded.find(mark);
    if (at == std::string_view::npos) continue;
    begin = code_at(folded, at + mark.size());
    is_in_quotes = mark.ends_with('\'');
    if (begin != std::string_view::npos) break;
  }
  if (begin == std::string_view::npos) begin = numbered_code_at(folded);
  if (begin == std::string_view::npos) return std::nullopt;
  std::size_t end = std::min(folded.size(), begin + reply_bytes_max);
  for (const std::string_view mark : ends) end = std::min(end, folded.find(mark, begin));
  std::string_view quoted = ascii::trimmed(text.substr(begin, end - begin));
  if (is_in_quotes && quoted.ends_with('\'')) quoted.remove_suffix(1);
  auto reply = parse_reply_text(quoted);
  if (!reply) return std::nullopt;
  return SpokenReply{std::move(*reply), named_phase(folded), named_host(folded)};
}

}  // namespace mailweir::provider
