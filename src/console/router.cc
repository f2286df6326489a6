#include "console/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/assert.h"

namespace mailweir::console {
namespace {

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(1);
  for (;;) {
    const std::size_t end = path.find('/');
    segments.push_back(path.substr(0, end));
    if (end == std::string_view::npos) return segments;
    path.remove_prefix(end + 1);
  }
}

bool is_parameter(std::string_view segment) {
  return segment.starts_with('{');
}

bool matches(const Route& route, const std::vector<std::string_view>& segments) {
  return std::ranges::equal(route.segments, segments,
                            [](const std::string& mine, std::string_view theirs) {
                              return is_parameter(mine) ? !theirs.empty() : mine == theirs;
                            });
}

Result<Fields> parameters_of(const Route& route, const std::vector<std::string_view>& segments) {
  Fields parameters;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::string_view mine = route.segments[i];
    if (!is_parameter(mine)) continue;
    WEIR_TRY(std::string value, percent_decode(segments[i], false));
    parameters.emplace_back(mine.substr(1, mine.size() - 2), std::move(value));
  }
  return parameters;
}

std::optional<Method> parse_method(std::string_view method) {
  if (method == "GET" || method == "HEAD") return Method::get;
  if (method == "POST") return Method::post;
  return std::nullopt;
}

Response method_not_allowed(std::string_view path, bool get, bool post) {
  const std::string_view allow = get && post ? "GET, HEAD, POST" : get ? "GET, HEAD" : "POST";
  Response response = problem(405, fmt::format("{} answers {} only", path, allow));
  response.headers.emplace_back("Allow", allow);
  return response;
}

}  // namespace

void Router::add(Method method, std::string_view pattern, Access access, Handler handler,
                 std::size_t body_max) {
  WEIR_ASSERT(pattern.starts_with('/'));
  Route route{.method = method,
              .segments = {},
              .access = access,
              .handler = std::move(handler),
              .body_max = body_max};
  for (const std::string_view segment : split_path(pattern)) route.segments.emplace_back(segment);
  routes_.push_back(std::move(route));
}

std::variant<RouteMatch, Response> Router::find(std::string_view method, std::string_view path,
                                                Access access) const {
  const std::optional<Method> wanted = parse_method(method);
  const auto segments = split_path(path);
  bool get = false;
  bool post = false;
  for (const Route& route : routes_) {
    if (!matches(route, segments)) continue;
    if (wanted != route.method) {
      (route.method == Method::get ? get : post) = true;
      continue;
    }
    if (route.access == Access::operator_only && access != Access::operator_only) {
      return problem(403, "this is for operators: ask through the server's Unix socket");
    }
    auto parameters = parameters_of(route, segments);
    if (!parameters) return problem(parameters.error());
    return RouteMatch{&route, *std::move(parameters)};
  }
  if (get || post) return method_not_allowed(path, get, post);
  return problem(404, fmt::format("there is nothing at {}; see / for what there is", path));
}

std::size_t Router::body_max() const {
  std::size_t most = 0;
  for (const Route& route : routes_) most = std::max(most, route.body_max);
  return most;
}

}  // namespace mailweir::console
