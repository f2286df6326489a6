#include "console/http_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>

#include "console/host_guard.h"
#include "runtime/deadline.h"

namespace mailweir::console {
namespace {

namespace asio = runtime::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using runtime::Task;
using runtime::use_task;
using Parser = http::request_parser<http::string_body>;

constexpr std::size_t read_size = std::size_t{16} << 10;
// An error may be answered while the client still sends; closing at once would reset the connection
// and lose the answer.
constexpr std::chrono::milliseconds linger_time{1000};
constexpr std::size_t linger_bytes_max = std::size_t{1} << 20;

// Where the answer of a handler waits for its session. The handler may outlive the session, and
// with it the event loop: then `timer` is null and the answer is dropped.
struct AnswerSlot {
  std::mutex mutex;
  runtime::Timer* timer = nullptr;   // guarded by `mutex`, used on the session's thread
  std::optional<Response> response;  // guarded by `mutex`
};

void deliver(const std::shared_ptr<AnswerSlot>& slot, Response response) {
  const std::lock_guard lock(slot->mutex);
  if (slot->timer == nullptr) return;
  slot->response = std::move(response);
  asio::post(slot->timer->get_executor(), [slot] {
    const std::lock_guard inner(slot->mutex);
    if (slot->timer != nullptr) slot->timer->cancel();
  });
}

class SlotGuard {
 public:
  SlotGuard(std::shared_ptr<AnswerSlot> slot, runtime::Timer& timer) : slot_(std::move(slot)) {
    const std::lock_guard lock(slot_->mutex);
    slot_->timer = &timer;
  }
  ~SlotGuard() {
    const std::lock_guard lock(slot_->mutex);
    slot_->timer = nullptr;
  }
  SlotGuard(const SlotGuard&) = delete;
  SlotGuard& operator=(const SlotGuard&) = delete;

  std::optional<Response> take() {
    const std::lock_guard lock(slot_->mutex);
    return std::exchange(slot_->response, std::nullopt);
  }

 private:
  std::shared_ptr<AnswerSlot> slot_;
};

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

std::string media_type(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ')) content_type.remove_suffix(1);
  std::string lower(content_type);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return lower;
}

Response parse_problem(const boost::system::error_code& ec, std::size_t header_max) {
  if (ec == http::error::header_limit) {
    return problem(431, fmt::format("the request's header has more than {} bytes", header_max));
  }
  if (ec == http::error::body_limit) return problem(413, "the request's body is too large");
  if (ec == http::error::bad_version)
    return problem(505, "only HTTP/1.0 and HTTP/1.1 are understood");
  return problem(400, fmt::format("the request is not HTTP: {}", ec.message()));
}

std::string response_head(const Response& response, bool keep_alive) {
  std::string head = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\n"
      "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors "
      "'none'\r\n",
      response.status, status_phrase(response.status), response.content_type, response.body.size());
  for (const auto& [name, value] : response.headers)
    fmt::format_to(std::back_inserter(head), "{}: {}\r\n", name, value);
  head += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return head;
}

class HttpSession {
 public:
  HttpSession(StreamSocket socket, HttpPeer peer, const Router& router,
              const HttpServerOptions& options)
      : socket_(std::move(socket)),
        peer_(std::move(peer)),
        router_(router),
        options_(options),
        deadline_(socket_.get_executor(), [this] {
          boost::system::error_code ignored;
          socket_.cancel(ignored);
        }) {}

  Task<void> run();

 private:
  // What became of reading (a part of) a request; nothing to say to a peer that is gone.
  enum class Read : std::uint8_t { done, gone, broken };

  Task<bool> wait_for_request();
  Task<bool> serve_one();
  Task<Read> read_header();
  Task<Read> read_body();
  Task<Read> read_until(bool header_only);
  Task<bool> fill();
  std::variant<RouteMatch, Response> judge(const Parser& parser, Target& target) const;
  Request to_request(Parser& parser, Target target, RouteMatch match) const;
  Task<std::optional<Response>> ask(const Handler* handler, Request request);
  Task<bool> respond(Response response, bool is_head, bool keep_alive);
  Task<bool> write(std::string_view bytes);
  Task<void> linger();

  StreamSocket socket_;
  HttpPeer peer_;
  const Router& router_;
  const HttpServerOptions& options_;
  runtime::Deadline deadline_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;     // of the present request
  std::optional<Response> refusal_;  // of a request that was read as `broken`
};

Task<void> HttpSession::run() {
  do {
    deadline_.expire_after(options_.header_time);
  } while (co_await serve_one() && co_await wait_for_request());
  boost::system::error_code ignored;
  socket_.close(ignored);
}

Task<bool> HttpSession::wait_for_request() {
  if (buffer_.size() > 0) co_return true;
  deadline_.expire_after(options_.idle_time);
  co_return co_await fill();
}

// False when the connection is to end.
Task<bool> HttpSession::serve_one() {
  Parser& parser = parser_.emplace();
  parser.header_limit(static_cast<std::uint32_t>(options_.header_max));
  parser.body_limit(router_.body_max());
  Read read = co_await read_header();
  Target target;
  std::optional<RouteMatch> match;
  if (read == Read::done) {
    auto judgement = judge(parser, target);
    if (auto* refusal = std::get_if<Response>(&judgement)) {
      refusal_ = std::move(*refusal);
      read = Read::broken;
    } else {
      match = std::get<RouteMatch>(std::move(judgement));
      parser.body_limit(match->route->body_max);
      read = co_await read_body();
    }
  }
  if (read == Read::gone) co_return false;
  const bool is_head = parser.is_header_done() && parser.get().method() == http::verb::head;
  if (read == Read::broken) {
    // A body not read stands between this request and the next.
    const bool is_whole = parser.is_done();
    const bool keep_alive = is_whole && parser.keep_alive();
    const bool written =
        co_await respond(*std::exchange(refusal_, std::nullopt), is_head, keep_alive);
    if (written && !is_whole) co_await linger();
    co_return written&& keep_alive;
  }
  const bool keep_alive = parser.keep_alive();
  const Handler* handler = &match->route->handler;
  deadline_.disarm();
  auto response = co_await ask(handler, to_request(parser, std::move(target), *std::move(match)));
  if (!response) co_return false;
  co_return co_await respond(*std::move(response), is_head, keep_alive) && keep_alive;
}

Task<HttpSession::Read> HttpSession::read_header() {
  const Read read = co_await read_until(true);
  if (read != Read::gone || !deadline_.has_expired() || !parser_->got_some()) co_return read;
  refusal_ = problem(408, "the request's header took too long");
  co_return Read::broken;
}

Task<HttpSession::Read> HttpSession::read_body() {
  if (!parser_->get()[http::field::expect].empty() && !parser_->is_done()) {
    if (!co_await write("HTTP/1.1 100 Continue\r\n\r\n")) co_return Read::gone;
  }
  deadline_.expire_after(options_.body_time);
  const Read read = co_await read_until(false);
  if (read != Read::gone || !deadline_.has_expired()) co_return read;
  refusal_ = problem(408, "the request's body took too long");
  co_return Read::broken;
}

Task<HttpSession::Read> HttpSession::read_until(bool header_only) {
  std::size_t consumed = 0;
  while (header_only ? !parser_->is_header_done() : !parser_->is_done()) {
    boost::system::error_code ec = http::error::need_more;
    if (buffer_.size() > 0) {
      const std::size_t used = parser_->put(buffer_.data(), ec);
      buffer_.consume(used);
      consumed += used;
    }
    if (header_only && consumed > options_.header_max) ec = http::error::header_limit;
    if (ec == http::error::need_more) {
      if (!co_await fill()) co_return Read::gone;
    } else if (ec) {
      refusal_ = parse_problem(ec, options_.header_max);
      co_return Read::broken;
    }
  }
  co_return Read::done;
}

// Reads what the peer has sent; false when it is gone or the deadline has passed.
Task<bool> HttpSession::fill() {
  const auto [ec, size] = co_await socket_.async_read_some(buffer_.prepare(read_size), use_task);
  buffer_.commit(size);
  co_return !ec && !deadline_.has_expired();
}

// Decides by the header alone.
std::variant<RouteMatch, Response> HttpSession::judge(const Parser& parser, Target& target) const {
  const auto& request = parser.get();
  const auto hosts = request.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && (request.version() >= 11 || peer_.access == Access::reader))) {
    return problem(400, "the request needs one Host field");
  }
  if (peer_.access == Access::reader &&
      !is_host_allowed(view(request[http::field::host]), options_.host_names)) {
    return problem(
        421, "this Host is not a name of this server: use its address, localhost, or its hostname");
  }
  if (request.count(http::field::transfer_encoding) > 0 && !parser.chunked()) {
    return problem(501, "the only transfer coding understood is chunked");
  }
  const auto expect = view(request[http::field::expect]);
  if (!expect.empty() && !beast::iequals(request[http::field::expect], "100-continue")) {
    return problem(417, "the only expectation understood is 100-continue");
  }
  auto parsed = parse_target(view(request.target()));
  if (!parsed) return problem(parsed.error());
  target = *std::move(parsed);
  auto match = router_.find(view(request.method_string()), target.path, peer_.access);
  if (const auto* found = std::get_if<RouteMatch>(&match)) {
    const auto length = parser.content_length();
    if (length && *length > found->route->body_max) {
      return problem(
          413, fmt::format("the body may have at most {} bytes here", found->route->body_max));
    }
  }
  return match;
}

Request HttpSession::to_request(Parser& parser, Target target, RouteMatch match) const {
  auto& message = parser.get();
  return Request{.method = match.route->method,
                 .path = std::move(target.path),
                 .path_parameters = std::move(match.path_parameters),
                 .query = std::move(target.query),
                 .content_type = media_type(view(message[http::field::content_type])),
                 .body = std::move(message.body()),
                 .access = peer_.access,
                 .actor = peer_.actor};
}

// Nothing when the server is stopping.
Task<std::optional<Response>> HttpSession::ask(const Handler* handler, Request request) {
  auto slot = std::make_shared<AnswerSlot>();
  runtime::Timer timer(socket_.get_executor(), runtime::Timer::time_point::max());
  SlotGuard guard(slot, timer);
  (*handler)(std::move(request),
             Responder([slot](Response response) { deliver(slot, std::move(response)); }));
  auto response = guard.take();
  if (!response) {
    co_await timer.async_wait(use_task);
    response = guard.take();
  }
  co_return response;
}

Task<bool> HttpSession::respond(Response response, bool is_head, bool keep_alive) {
  std::string head = response_head(response, keep_alive);
  if (is_head) co_return co_await write(head);
  if (response.body.size() <= read_size) {
    head += response.body;
    co_return co_await write(head);
  }
  co_return co_await write(head) && co_await write(response.body);
}

Task<bool> HttpSession::write(std::string_view bytes) {
  while (!bytes.empty()) {
    deadline_.expire_after(options_.idle_time);
    const auto [ec, size] =
        co_await socket_.async_write_some(asio::buffer(bytes.data(), bytes.size()), use_task);
    if (ec || deadline_.has_expired()) co_return false;
    bytes.remove_prefix(size);
  }
  co_return true;
}

Task<void> HttpSession::linger() {
  boost::system::error_code ec;
  socket_.shutdown(asio::socket_base::shutdown_send, ec);
  deadline_.expire_after(linger_time);
  for (std::size_t total = 0; total < linger_bytes_max; total += buffer_.size()) {
    buffer_.clear();
    if (!co_await fill()) break;
  }
}

}  // namespace

Task<void> serve_http(StreamSocket socket, HttpPeer peer, const Router* router,
                      const HttpServerOptions* options) {
  HttpSession session(std::move(socket), std::move(peer), *router, *options);
  co_await session.run();
}

}  // namespace mailweir::console
