// The Router finds the handler of a request. Filled before the server starts, only read afterwards:
// then safe from any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "console/http_message.h"

namespace mailweir::console {

inline constexpr std::size_t body_max_default = std::size_t{64} << 10;

struct Route {
  Method method = Method::get;
  std::vector<std::string> segments;  // "{id}" stands for one segment, which may not be empty
  Access access = Access::reader;
  Handler handler;
  std::size_t body_max = body_max_default;
};

struct RouteMatch {
  const Route* route = nullptr;
  Fields path_parameters;  // decoded
};

class Router {
 public:
  // `pattern` is a path such as "/api/v1/messages/{id}". Two routes of one method must not match
  // the same path. Every GET route answers HEAD as well.
  void add(Method method, std::string_view pattern, Access access, Handler handler,
           std::size_t body_max = body_max_default);

  // `method` as it stands in the request line. Otherwise the problem to answer: 404, 405 with
  // Allow, 400 for a broken escape, 403 when the route is for operators and `access` is not.
  std::variant<RouteMatch, Response> find(std::string_view method, std::string_view path,
                                          Access access) const;

  // The largest body any route takes.
  std::size_t body_max() const;

 private:
  std::vector<Route> routes_;
};

}  // namespace mailweir::console
