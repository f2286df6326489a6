// Requests and responses of the admin server as values, free of any HTTP library.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace mailweir::console {

enum class Method : std::uint8_t { get, post };

// What a listener lets through. TCP listeners serve readers; the Unix socket, guarded by file
// permissions, serves operators.
enum class Access : std::uint8_t { reader, operator_only };

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Request {
  Method method = Method::get;
  std::string path;          // as sent, still percent-encoded
  Fields path_parameters;    // decoded
  Fields query;              // decoded, in the order sent
  std::string content_type;  // lower-cased, without parameters
  std::string body;
  Access access = Access::reader;  // of the listener it came through
  std::string actor;               // "uid 1000" over the Unix socket, "http 127.0.0.1" over TCP

  // The first value of that name; nothing when absent.
  std::optional<std::string_view> query_value(std::string_view name) const;
  // A path parameter of the route's pattern; the name must be in it.
  std::string_view path_value(std::string_view name) const;
};

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  Fields headers;  // further ones; Content-Length, Connection and the security headers are the
                   // server's
};

// RFC 9457: application/problem+json with title (of the status), status and detail.
Response problem(unsigned status, std::string_view detail);
// The problem an Error amounts to: not_found 404, invalid_argument 400, refused 409, overloaded
// 503, …
Response problem(const Error& error);
std::string_view status_phrase(unsigned status);

// Answers one request: called at most once, from any thread; dropped unused, it answers 500, so
// that no client waits for ever. Copies share the one answer.
class Responder {
 public:
  explicit Responder(std::function<void(Response)> send);
  void operator()(Response response) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

using Handler = std::function<void(Request, Responder)>;

// "%41+b" → "A b" (`plus_is_space`, as in queries); fails on a broken escape and on an encoded NUL.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space);
std::string percent_encode(std::string_view text);  // everything but RFC 3986 unreserved characters

struct Target {
  std::string path;
  Fields query;
};
// Splits an origin-form request target ("/api/v1/queue?by=provider"); at most 2,000 query fields.
Result<Target> parse_target(std::string_view target);

}  // namespace mailweir::console
