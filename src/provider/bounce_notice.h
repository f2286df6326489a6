// Whether a message is a notice of failure at all, judged by its header and its wording: an
// ordinary message may quote a refusal, an automatic reply comes from nobody too, and a warning is
// no failure.
//
// Pure; any bytes are safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mailweir::provider {

struct NoticeHeader {
  bool is_from_mailer = false;   // a mailer's name, or the empty return path
  bool tells_failure = false;    // by its subject, its type, or the addresses that failed
  bool tells_otherwise = false;  // a delay, a success, an automatic reply, a receipt of reading
  std::vector<std::string> failed_recipients;  // X-Failed-Recipients; at most 100
};

NoticeHeader read_notice_header(std::string_view message);
// Of a notice without a report. `text`: its own, without what it returns.
bool is_failure_notice(const NoticeHeader& header, std::string_view text);

}  // namespace mailweir::provider
