// What the readers of the texts of bounces share: lines, addresses, and what the words behind an
// address tell. Internal to `bounce*.cc`. Pure; any bytes are safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "provider/bounce.h"

namespace mailweir::provider {

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

// No line of a reply, and no paragraph that tells of one, is longer.
constexpr std::size_t paragraph_bytes_max = 8192;

// "<ken@example.com>" and "ken@example.com", blanks around; empty: it is no address alone.
std::string_view lone_address(std::string_view text);
// The first mail address in a text; empty: none.
std::string address_in(std::string_view text);
// The host a name or a field value tells: lower-case, without a comment and the final dot.
std::string host_name(std::string_view text);
// 450 or 550 with that status; the text begins with it.
Reply reply_of_status(EnhancedStatus status, std::string_view text);

// How sure it is that a recipient was refused, and in which words.
enum class Evidence : std::uint8_t {
  prose,    // only the place says that the words are a reason
  wording,  // the words of a known local failure
  status,   // "(#5.1.1)"
  code      // a reply
};

struct Told {
  Evidence evidence = Evidence::prose;
  Reply reply;
  std::optional<Phase> phase;
  std::string host;
};

// What a paragraph (lines parted by LF) tells. Prose without a known wording only where `any_prose`
// is: the place makes it a reason. Such replies have the code 550.
std::optional<Told> read_told(std::string_view paragraph, bool any_prose);

// The recipients found in a text, each once: the better evidence stays.
class Findings {
 public:
  void add(std::string_view recipient, Told told);
  bool is_empty() const { return found_.empty(); }
  std::vector<BouncedRecipient> finish() &&;

 private:
  struct Found {
    Evidence evidence;
    BouncedRecipient bounced;
  };
  std::vector<Found> found_;
  std::map<std::string, std::size_t, std::less<>> place_;  // by the address in lower case
};

}  // namespace mailweir::provider
