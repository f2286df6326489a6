// Requests to the admin API: the first line is the target, the rest the body. Whatever is asked is
// answered once, as JSON where it claims to be, and nothing is acted on that was not named.
#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "cli/layout.h"
#include "console/admin_api.h"
#include "console/fake_admin_port.h"

using namespace mailweir;
using namespace mailweir::console;

namespace {

struct Api {
  FakeAdminPort port;
  Router router;
  Api() { add_admin_routes(router, port); }
};

void ask(Api& api, std::string_view method, const Target& target, std::string_view body,
         std::string_view content_type) {
  auto found = api.router.find(method, target.path, Access::operator_only);
  if (std::holds_alternative<Response>(found)) return;
  auto& match = std::get<RouteMatch>(found);
  int answers = 0;
  match.route->handler(Request{.method = match.route->method,
                               .path = target.path,
                               .path_parameters = std::move(match.path_parameters),
                               .query = target.query,
                               .content_type = std::string(content_type),
                               .body = std::string(body),
                               .access = Access::operator_only,
                               .actor = "uid 0"},
                       Responder([&answers](const Response& response) {
                         ++answers;
                         const bool is_json =
                             response.content_type.find("json") != std::string::npos;
                         WEIR_ASSERT(!is_json || nlohmann::json::accept(response.body));
                       }));
  WEIR_ASSERT(answers == 1);
}

void check_action(const FakeAdminPort& port) {
  const ActionRequest& action = port.asked_action;
  WEIR_ASSERT(action.actor.empty() || action.ids.empty() == action.filter.has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view body = text.substr(std::min(end + 1, text.size()));
  WEIR_ASSERT(percent_decode(percent_encode(body), true).has_value() ==
              (body.find('\0') == std::string_view::npos));
  for (const char c : cli::printable(body))
    WEIR_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  const auto target = parse_target(text.substr(0, end));
  if (!target) return 0;
  Api api;
  ask(api, "GET", *target, body, "");
  ask(api, "POST", *target, body, "application/json");
  ask(api, "POST", *target, body, "message/rfc822");
  check_action(api.port);
  return 0;
}
