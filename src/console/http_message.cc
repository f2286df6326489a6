#include "console/http_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>

#include "base/assert.h"

namespace mailweir::console {
namespace {

constexpr std::size_t query_fields_max = 2000;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

Result<Fields> parse_query(std::string_view text) {
  Fields fields;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view field = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (field.empty()) continue;
    if (fields.size() == query_fields_max) {
      return fail(Errc::invalid_argument, "the query has too many fields");
    }
    const std::size_t equals = std::min(field.find('='), field.size());
    WEIR_TRY(std::string name, percent_decode(field.substr(0, equals), true));
    WEIR_TRY(std::string value,
             percent_decode(field.substr(std::min(equals + 1, field.size())), true));
    fields.emplace_back(std::move(name), std::move(value));
  }
  return fields;
}

unsigned status_of(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
      return 400;
    case Errc::not_found:
      return 404;
    case Errc::refused:
      return 409;
    case Errc::unsupported:
      return 501;
    case Errc::overloaded:
    case Errc::cancelled:
    case Errc::closed:
      return 503;
    case Errc::timeout:
      return 504;
    case Errc::no_space:
      return 507;
    case Errc::corrupt:
    case Errc::io:
      return 500;
  }
  return 500;
}

}  // namespace

std::optional<std::string_view> Request::query_value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string_view Request::path_value(std::string_view name) const {
  const auto found = std::ranges::find(path_parameters, name, &Fields::value_type::first);
  WEIR_ASSERT(found != path_parameters.end());
  return found->second;
}

std::string_view status_phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

Response problem(unsigned status, std::string_view detail) {
  nlohmann::ordered_json body;
  body["title"] = status_phrase(status);
  body["status"] = status;
  body["detail"] = detail;
  Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  response.body = body.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  return response;
}

Response problem(const Error& error) {
  return problem(status_of(error.code),
                 error.context.empty() ? to_string(error.code) : std::string_view(error.context));
}

struct Responder::State {
  explicit State(std::function<void(Response)> callback) : send(std::move(callback)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (!answered) send(problem(500, "the request was dropped without an answer"));
  }

  std::function<void(Response)> send;
  std::atomic<bool> answered = false;
};

Responder::Responder(std::function<void(Response)> send)
    : state_(std::make_shared<State>(std::move(send))) {}

void Responder::operator()(Response response) const {
  WEIR_ASSERT(!state_->answered.exchange(true));
  state_->send(std::move(response));
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus_is_space) {
      c = ' ';
    } else if (c == '%') {
      const int high = text.size() - i > 2 ? hex_value(text[i + 1]) : -1;
      const int low = text.size() - i > 2 ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return fail(Errc::invalid_argument, "the request target has a broken %-escape");
      }
      c = static_cast<char>(high * 16 + low);
      i += 2;
      if (c == '\0') return fail(Errc::invalid_argument, "the request target has a NUL");
    }
    decoded.push_back(c);
  }
  return decoded;
}

std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (is_unreserved(c)) {
      encoded.push_back(c);
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

Result<Target> parse_target(std::string_view target) {
  if (!target.starts_with('/')) {
    return fail(Errc::invalid_argument, "the request target must begin with a slash");
  }
  const std::size_t mark = std::min(target.find('?'), target.size());
  Target parsed{.path = std::string(target.substr(0, mark)), .query = {}};
  WEIR_TRY(parsed.query, parse_query(target.substr(std::min(mark + 1, target.size()))));
  return parsed;
}

}  // namespace mailweir::console
