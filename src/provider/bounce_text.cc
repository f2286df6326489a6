#include "provider/bounce_text.h"

#include <array>
#include <utility>

#include "base/ascii.h"

namespace mailweir::provider {
namespace {

using ascii::lower;
using ascii::trimmed;

// Lines behind which the original message stands. The bounce of a bounce would be read otherwise.
constexpr auto ends_of_own = std::to_array<std::string_view>(
    {"below this line is a copy of the message", "this is a copy of the message",
     "this is a copy of your message", "the header of the original message", "the header and top",
     "original message headers:", "original message follows", "original message header",
     "original message -", "original message-", "unsent message below", "message header follows",
     "message headers follow", "message text follows", "returned message", "returned mail follows",
     "your original message"});

// Texts in which whatever stands behind an address is the reason.
constexpr auto reason_givers = std::to_array<std::string_view>(
    {"qmail-send", "created automatically by mail delivery", "permanent error",
     "able to deliver your message to the following address", "nemesis",
     "could not be delivered to the following address", "failed to deliver to '"});

bool is_delimiter_like(std::string_view line) {
  return line.starts_with("--") || line.starts_with("|--") || line.starts_with("*-") ||
         line.starts_with("==") || line.ends_with(':');
}

// A paragraph of one recipient: the address, when a line gives it alone, and the words behind it.
struct Paragraph {
  std::string address;
  std::string words;  // lines parted by LF
  bool is_address_first = false;
};

// "Failed to deliver to 'ken@example.com'" (CommuniGate Pro).
std::string_view quoted_address(std::string_view line) {
  constexpr std::string_view opener = "failed to deliver to '";
  if (line.size() > 400 || !lower(line.substr(0, opener.size())).starts_with(opener)) return {};
  line.remove_prefix(opener.size());
  return lone_address(line.substr(0, line.find('\'')));
}

struct Opening {
  std::string_view address;
  std::string_view rest;  // of the line
};

// A line that begins what is said of an address: "<ken@example.com>: host …", "ken@example.com",
// "<ken@example.com> ... unknown user".
std::optional<Opening> opening_of(std::string_view line) {
  if (const auto address = quoted_address(line); !address.empty()) return Opening{address, {}};
  std::string_view head = line;
  if (head.ends_with(':')) head.remove_suffix(1);
  if (const auto address = lone_address(head); !address.empty()) return Opening{address, {}};
  if (!line.starts_with('<')) return std::nullopt;
  const std::size_t close = line.substr(0, 400).find('>');
  if (close == std::string_view::npos) return std::nullopt;
  const std::string_view address = lone_address(line.substr(0, close + 1));
  std::string_view rest = line.substr(close + 1);
  if (rest.starts_with(": "))
    rest.remove_prefix(2);
  else if (trimmed(rest.substr(0, 8)).starts_with("..."))
    rest = trimmed(rest.substr(rest.find("...") + 3));
  else
    return std::nullopt;
  if (address.empty()) return std::nullopt;
  return Opening{address, rest};
}

class ParagraphReader {
 public:
  explicit ParagraphReader(bool any_prose) : any_prose_(any_prose) {}

  void read(std::string_view line) {
    if (line.empty()) return finish();
    if (line.starts_with("|--") || line.starts_with("-----")) return finish();
    // Exim tells the address that an alias led from; the reason comes behind it.
    if (line.starts_with("(generated from ") || line.starts_with("(ultimately generated from "))
      return;
    if (const auto opening = opening_of(line)) {
      finish();
      now_.address = opening->address;
      now_.is_address_first = true;
      line = opening->rest;
    }
    if (line.empty() || now_.words.size() > paragraph_bytes_max) return;
    if (!now_.words.empty()) now_.words += '\n';
    now_.words += line.substr(0, paragraph_bytes_max);
  }

  Findings take() && {
    finish();
    return std::move(findings_);
  }

 private:
  // A paragraph that has an address alone introduces the next one.
  void finish() {
    Paragraph done = std::exchange(now_, {});
    if (!done.is_address_first) done.address = address_in(done.words);
    const std::string& address = done.address.empty() ? last_address_ : done.address;
    std::optional<Told> told;
    if (!done.words.empty()) told = read_told(done.words, any_prose_ && done.is_address_first);
    if (done.words.empty() && done.is_address_first) told = std::exchange(headline_, {});
    if (told && told->evidence != Evidence::code && address.empty())
      headline_ = std::move(told);
    else if (told)
      findings_.add(address, std::move(*told));
    if (!done.address.empty()) last_address_ = std::move(done.address);
  }

  bool any_prose_;
  Paragraph now_;
  std::string last_address_;
  std::optional<Told> headline_;  // "The user's account is over quota.", and then the address
  Findings findings_;
};

}  // namespace

std::string_view own_text(std::string_view text) {
  Lines lines(text);
  while (const auto line = lines.next()) {
    const std::string_view bare = trimmed(*line);
    if (bare.size() > 200 || !is_delimiter_like(bare)) continue;
    const std::string folded = lower(bare);
    if (std::ranges::any_of(ends_of_own, [&](auto words) { return folded.contains(words); }))
      return text.substr(0, static_cast<std::size_t>(line->data() - text.data()));
  }
  return text;
}

Findings read_paragraphs(std::string_view text) {
  const std::string folded = lower(text);
  const bool any_prose =
      std::ranges::any_of(reason_givers, [&](auto words) { return folded.contains(words); });
  ParagraphReader reader(any_prose);
  Lines lines(text);
  while (const auto line = lines.next()) reader.read(trimmed(*line));
  return std::move(reader).take();
}

}  // namespace mailweir::provider
