#include "provider/bounce_notice.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "mail/header.h"

namespace mailweir::provider {
namespace {

using ascii::lower;
using ascii::trimmed;

constexpr std::size_t failed_max = 100;

constexpr auto mailers = std::to_array<std::string_view>(
    {"mailer-daemon", "mailer_daemon", "mail-daemon", "maildaemon", "mailerdaemon", "postmaster",
     "mail delivery s", "mail deliverer", "microsoftexchange", "mail system", "bounce@"});

// Begins of subjects. An answer to a notice begins otherwise ("Re:").
constexpr auto failures =
    std::to_array<std::string_view>({"undeliver",
                                     "non deliver",
                                     "non-deliver",
                                     "nondeliver",
                                     "unable to deliver",
                                     "unzustellbar",
                                     "mail delivery fail",
                                     "mail delivery error",
                                     "mail delivery problem",
                                     "mail fail",
                                     "mail system error",
                                     "mail error",
                                     "mail could not",
                                     "delivery fail",
                                     "delivery error",
                                     "delivery problem",
                                     "delivery notification: delivery has failed",
                                     "delivery status notification",
                                     "failure notice",
                                     "failed mail",
                                     "failed delivery",
                                     "failure delivery",
                                     "returned mail",
                                     "error mail",
                                     "message could not be deliver",
                                     "message delivery fail",
                                     "message not delivered",
                                     "message undeliver",
                                     "your message could"});

constexpr auto others =
    std::to_array<std::string_view>({"warning:",
                                     "delayed",
                                     "delivery delay",
                                     "mail delivery delay",
                                     "delay notice",
                                     "message delay",
                                     "delivery notification: delivery has been delayed",
                                     "delivery notification: delivery has been successful",
                                     "delivery status notification (delay)",
                                     "delivery status notification (success)",
                                     "delivery status notification (relay)",
                                     "delivery status notification (expan)",
                                     "successful mail delivery",
                                     "delivered:",
                                     "relayed:",
                                     "expanded:",
                                     "read:",
                                     "not read:",
                                     "out of office",
                                     "out of the office",
                                     "automatic reply",
                                     "auto-reply",
                                     "auto reply",
                                     "autoreply",
                                     "auto:",
                                     "autoresponse",
                                     "auto response",
                                     "vacation",
                                     "away from",
                                     "i am away",
                                     "abwesen",
                                     "automatische antwort",
                                     "r\xC3\xA9ponse automatique",
                                     "absence"});

// What a warning says of itself.
constexpr auto warnings = std::to_array<std::string_view>(
    {"this is a warning message only", "you do not need to resend", "will keep trying until",
     "delivery attempts will continue", "message still undelivered after",
     "no action is required on your part", "will be retried until", "not yet been delivered",
     "delivery has been delayed", "transient non-fatal errors"});

// What a notice of failure says of itself, even where a warning is in it.
constexpr auto final_words = std::to_array<std::string_view>(
    {"permanent fatal errors", "this is a permanent error", "could not be delivered to one or"});

template <std::size_t size>
bool begins_with_any(std::string_view text, const std::array<std::string_view, size>& words) {
  return std::ranges::any_of(words, [&](auto word) { return text.starts_with(word); });
}

template <std::size_t size>
bool has_any(std::string_view text, const std::array<std::string_view, size>& words) {
  return std::ranges::any_of(words, [&](auto word) { return text.contains(word); });
}

void take_subject(NoticeHeader& header, std::string_view subject) {
  if (subject.contains("(still being retried)") || begins_with_any(subject, others))
    header.tells_otherwise = true;
  else if (begins_with_any(subject, failures))
    header.tells_failure = true;
}

void take_failed(NoticeHeader& header, std::string_view list) {
  while (!list.empty() && header.failed_recipients.size() < failed_max) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view address = trimmed(list.substr(0, comma));
    if (address.contains('@')) header.failed_recipients.emplace_back(address);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  header.tells_failure = header.tells_failure || !header.failed_recipients.empty();
}

}  // namespace

NoticeHeader read_notice_header(std::string_view message) {
  NoticeHeader header;
  HeaderScanner scanner(message);
  while (const auto field = scanner.next()) {
    const std::string value = unfold(field->value.substr(0, 4096));
    const std::string folded = lower(value);
    if (is_field(*field, "from") || is_field(*field, "sender")) {
      header.is_from_mailer = header.is_from_mailer || has_any(folded, mailers);
    } else if (is_field(*field, "return-path")) {
      header.is_from_mailer = header.is_from_mailer || folded == "<>" || has_any(folded, mailers);
    } else if (is_field(*field, "subject")) {
      take_subject(header, folded);
    } else if (is_field(*field, "x-failed-recipients")) {
      take_failed(header, value);
    } else if (is_field(*field, "content-type")) {
      if (folded.contains("delivery-status")) header.tells_failure = true;
      if (folded.contains("disposition-notification")) header.tells_otherwise = true;
    } else if (is_field(*field, "x-autoreply") || is_field(*field, "x-autorespond")) {
      header.tells_otherwise = true;
    }
  }
  return header;
}

bool is_failure_notice(const NoticeHeader& header, std::string_view text) {
  if (header.tells_otherwise || (!header.is_from_mailer && !header.tells_failure)) return false;
  const std::string folded = lower(text);
  return !has_any(folded, warnings) || has_any(folded, final_words);
}

}  // namespace mailweir::provider
