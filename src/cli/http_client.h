// A blocking HTTP/1.1 client over the server's Unix socket: one request a connection.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace mailweir::cli {

struct HttpAnswer {
  unsigned status = 0;
  std::string body;
};

struct HttpCall {
  std::string_view method = "GET";
  std::string target;
  std::string_view content_type;  // empty: no body
  std::string_view body;
};

// `closed`: nobody answers at `socket` (the context says why, for a person); `timeout`: no answer
// within a minute; `corrupt`: the answer is no HTTP, or is cut short.
Result<HttpAnswer> call_server(const std::string& socket, const HttpCall& call);

// Reads a whole response as received until the end of the connection.
Result<HttpAnswer> parse_answer(std::string bytes);

}  // namespace mailweir::cli
