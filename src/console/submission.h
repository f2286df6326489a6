// Reads a submission out of a request: `POST /api/v1/messages` (docs/http-api.md#submit).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "console/admin_port.h"
#include "console/http_message.h"

namespace mailweir::console {

inline constexpr std::size_t submission_recipients_max = 1000;

// Content-Type message/rfc822: the body is the content, the query the envelope. application/json:
// an object holds both. `invalid_argument` says which part is wrong; `unsupported` is for another
// Content-Type.
Result<Submission> read_submission(Request request);

// LF line ends become CRLF, which is the only line end mail knows (RFC 5322 section 2.3). Fails on
// NUL and on a bare CR.
Result<std::string> to_crlf(std::string_view text);

}  // namespace mailweir::console
