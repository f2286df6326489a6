#include <map>
#include <utility>

#include "base/ascii.h"
#include "provider/bounce_text.h"
#include "provider/reply_text.h"

namespace mailweir::provider {
namespace {

using ascii::is_digit;
using ascii::lower;
using ascii::trimmed;

constexpr std::size_t quotes_max = Bounce::recipients_max;

// A refusal in the session: who said it, to what, about whom (empty: about nobody alone).
struct Quote {
  std::string host;
  Phase phase = Phase::rcpt;
  std::string address;
  Reply reply;
};

// An address under "permanent fatal errors".
struct Failed {
  std::string address;
  std::string reason;  // "550 5.1.1 User unknown"
};

std::optional<Phase> phase_of_command(std::string_view command) {
  const std::string folded = lower(command.substr(0, 16));
  if (folded.starts_with("rcpt")) return Phase::rcpt;
  if (folded.starts_with("mail")) return Phase::mail;
  if (folded.starts_with("data")) return Phase::data;
  if (folded.starts_with(".")) return Phase::end_of_data;
  if (folded.starts_with("ehlo") || folded.starts_with("helo")) return Phase::ehlo;
  if (folded.starts_with("starttls")) return Phase::starttls;
  return std::nullopt;
}

std::optional<Reply> refusal_in(std::string_view text) {
  auto reply = parse_reply_text(text);
  if (!reply || !(reply->is_transient() || reply->is_permanent())) return std::nullopt;
  return reply;
}

class Transcript {
 public:
  void read(std::string_view line);
  Findings finish() &&;

 private:
  enum class Section : std::uint8_t { begin, session, failed, passed_over };

  void take_title(std::string_view folded);
  void take_command(std::string_view command);
  void take_reply_line(std::string_view line);
  void take_failed(std::string_view line);
  void end_reply();
  const Quote* quote_for(const Failed& failed) const;
  Told told_of(const Quote& quote) const;

  Section section_ = Section::begin;
  std::string host_;
  std::optional<Phase> phase_;  // of the last command; empty: none yet
  std::string about_;           // au: whom the commands that follow are about
  std::string rcpt_;            // of the last RCPT command, else about_
  std::string reply_lines_;
  std::vector<Quote> quotes_;
  std::vector<Failed> failed_;
  std::vector<std::pair<std::string, Reply>> own_words_;  // "550 5.1.1 <ken@…>... User unknown"
  std::map<std::string, std::size_t, std::less<>> quote_by_address_;
  std::map<std::string, std::size_t, std::less<>> quote_by_first_line_;
  bool has_address_sections_ = false;
};

void Transcript::take_title(std::string_view folded) {
  end_reply();
  section_ = folded.contains("transcript") ? Section::session : Section::passed_over;
  if (!folded.contains("addresses had")) return;
  has_address_sections_ = true;
  if ((folded.contains("fatal errors") && !folded.contains("non-fatal")) ||
      folded.contains("delivery problems"))
    section_ = Section::failed;
}

void Transcript::take_command(std::string_view command) {
  end_reply();
  phase_ = phase_of_command(command);
  rcpt_ = phase_ == Phase::rcpt ? address_in(command.substr(0, 1000)) : about_;
}

void Transcript::take_reply_line(std::string_view line) {
  line = line.substr(0, 2048);
  if (reply_lines_.size() < paragraph_bytes_max) {
    if (!reply_lines_.empty()) reply_lines_ += '\n';
    reply_lines_ += line;
  }
  if (line.size() < 4 || line[3] != '-') end_reply();
}

void Transcript::end_reply() {
  const std::string lines = std::exchange(reply_lines_, {});
  auto reply = refusal_in(lines);
  if (!reply || quotes_.size() == quotes_max) return;
  // What is refused before a command is the greeting.
  Quote quote{.host = host_, .phase = phase_.value_or(Phase::banner), .address = rcpt_};
  quote.reply = std::move(*reply);
  if (quote.address.empty() && quote.phase == Phase::rcpt)
    quote.address = address_in(quote.reply.text);
  if (!quote.address.empty()) quote_by_address_.emplace(lower(quote.address), quotes_.size());
  quote_by_first_line_.emplace(quote.reply.text.substr(0, quote.reply.text.find('\n')),
                               quotes_.size());
  quotes_.push_back(std::move(quote));
}

void Transcript::take_failed(std::string_view line) {
  constexpr std::string_view reason = "(reason: ";
  if (line.starts_with(reason) && !failed_.empty()) {
    line.remove_prefix(reason.size());
    if (line.ends_with(')')) line.remove_suffix(1);
    failed_.back().reason = line.substr(0, 2048);
    return;
  }
  // "<ken@example.com>  (unrecoverable error)"
  const std::string_view address = lone_address(line.substr(0, line.find(" (")));
  if (!address.empty() && failed_.size() < Bounce::recipients_max)
    failed_.push_back({.address = std::string(address), .reason = {}});
}

void Transcript::read(std::string_view line) {
  constexpr std::string_view talking = "... while talking to ";
  constexpr std::string_view about = "Recipient: ";
  if (line.starts_with("-----")) return take_title(lower(line.substr(0, 200)));
  if (section_ == Section::passed_over) return;
  if (section_ == Section::failed) return take_failed(line);
  if (line.starts_with(talking)) {
    section_ = Section::session;
    end_reply();
    host_ = host_name(line.substr(talking.size()));
    phase_.reset();
    rcpt_.clear();
  } else if (line.starts_with(about)) {
    end_reply();
    about_ = lone_address(line.substr(about.size()));
  } else if (line.starts_with(">>> ")) {
    section_ = Section::session;
    take_command(line.substr(4));
  } else if (line.starts_with("<<< ")) {
    take_reply_line(line.substr(4));
  } else if (section_ == Section::session && own_words_.size() < quotes_max && line.size() > 4 &&
             is_digit(line[0])) {
    end_reply();
    if (auto reply = refusal_in(line.substr(0, 2048)))
      own_words_.emplace_back(lower(address_in(reply->text)), std::move(*reply));
  }
}

const Quote* Transcript::quote_for(const Failed& failed) const {
  if (const auto found = quote_by_address_.find(lower(failed.address));
      found != quote_by_address_.end())
    return &quotes_[found->second];
  if (const auto reason = refusal_in(failed.reason)) {
    const auto found = quote_by_first_line_.find(reason->text);
    return found == quote_by_first_line_.end() ? nullptr : &quotes_[found->second];
  }
  if (!failed.reason.empty()) return nullptr;
  const auto is_about_all = [](const Quote& quote) { return quote.address.empty(); };
  const auto found = std::ranges::find_if(quotes_, is_about_all);
  return found == quotes_.end() ? nullptr : &*found;
}

Told Transcript::told_of(const Quote& quote) const {
  return {Evidence::code, quote.reply, quote.phase, quote.host};
}

Findings Transcript::finish() && {
  end_reply();
  Findings findings;
  if (!has_address_sections_) {
    for (const Quote& quote : quotes_) {
      if (!quote.address.empty()) findings.add(quote.address, told_of(quote));
    }
  }
  std::map<std::string_view, const Reply*> own;
  for (const auto& [address, reply] : own_words_) own.emplace(address, &reply);
  for (const Failed& failed : failed_) {
    const auto words = own.find(lower(failed.address));
    if (const Quote* quote = quote_for(failed)) {
      findings.add(failed.address, told_of(*quote));
    } else if (auto reply = refusal_in(failed.reason)) {
      findings.add(
          failed.address,
          {.evidence = Evidence::code, .reply = std::move(*reply), .phase = {}, .host = {}});
    } else if (words != own.end()) {
      findings.add(failed.address,
                   {.evidence = Evidence::code, .reply = *words->second, .phase = {}, .host = {}});
    } else if (auto told = read_told(failed.reason, true)) {
      findings.add(failed.address, std::move(*told));
    }
  }
  if (!findings.is_empty() || has_address_sections_) return findings;
  for (const auto& [address, reply] : own_words_) {
    if (!address.empty())
      findings.add(address, {.evidence = Evidence::code, .reply = reply, .phase = {}, .host = {}});
  }
  return findings;
}

}  // namespace

Findings read_transcript(std::string_view text) {
  Transcript transcript;
  Lines lines(text);
  while (const auto line = lines.next()) transcript.read(trimmed(*line));
  return std::move(transcript).finish();
}

}  // namespace mailweir::provider
