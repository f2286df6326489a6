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
     "smtp error from remote mail server", "remote server returned '", "remote server returned: ",
     "response from the remote server was: ", "the response was: ", "diagnostic-code: smtp; ",
     " #<", " #"});

// Where a quotation ends.
constexpr auto ends = std::to_array<std::string_view>(
    {" (in reply to ", "(in reply to ", " giving up on ", " ##", "#smtp#", ">#", "' (", "\"}"});

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
    {"but greeting failed", Phase::banner},
    {"but sender was rejected", Phase::mail},
    {"does not like recipient", Phase::rcpt},
    {"failed after i sent the message", Phase::end_of_data},
    {"failed on data command", Phase::data},
});

std::optional<Phase> phase_in(std::string_view text) {
  for (const Named& named : phases) {
    if (text.contains(named.words)) return named.phase;
  }
  return std::nullopt;
}

bool is_host_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '-' || c == '_';
}

// The name behind "host ", "h=" or "relay=".
std::string host_in(std::string_view text) {
  for (const std::string_view word :
       {"relay=", " h=", "(host ", ": host ", " host ", "connected to "}) {
    const std::size_t at = text.find(word);
    if (at == std::string_view::npos) continue;
    std::string_view rest = text.substr(at + word.size());
    const auto end = std::find_if_not(rest.begin(), rest.end(), is_host_character);
    rest = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    if (rest.ends_with('.')) rest.remove_suffix(1);
    if (rest.contains('.')) return std::string(rest);
  }
  return {};
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

}  // namespace

std::optional<SpokenReply> find_spoken_reply(std::string_view text) {
  const std::string folded = lower(text.substr(0, 4 * reply_bytes_max));
  text = text.substr(0, folded.size());
  std::size_t begin = std::string_view::npos;
  for (const std::string_view mark : marks) {
    const std::size_t at = folded.find(mark);
    if (at == std::string_view::npos) continue;
    begin = code_at(folded, at + mark.size());
    if (begin != std::string_view::npos) break;
  }
  if (begin == std::string_view::npos) return std::nullopt;
  std::size_t end = std::min(folded.size(), begin + reply_bytes_max);
  for (const std::string_view mark : ends) end = std::min(end, folded.find(mark, begin));
  auto reply = parse_reply_text(text.substr(begin, end - begin));
  if (!reply) return std::nullopt;
  return SpokenReply{std::move(*reply), phase_in(folded), host_in(folded)};
}

}  // namespace mailweir::provider
