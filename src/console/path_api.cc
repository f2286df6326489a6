#include "console/path_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

#include "base/units.h"
#include "console/answering.h"
#include "console/path_views.h"

namespace mailweir::console {
namespace {

using Json = nlohmann::json;

constexpr std::size_t paths_default = 100;
constexpr std::size_t paths_max = 1000;
constexpr std::uint32_t connections_max = 100'000;
constexpr Duration hand_lasts_max = std::chrono::days(365);

// "*" and nothing both mean every one.
std::string name_or_all(std::string_view name) {
  return name == "*" ? std::string() : std::string(name);
}

Result<void> get_paths(const Request& request, const Responder& respond, PathPort& port) {
  WEIR_CHECK(allow_query(request, {"source", "provider", "count"}));
  PathQuery query{.source = name_or_all(request.query_value("source").value_or("")),
                  .provider = name_or_all(request.query_value("provider").value_or(""))};
  WEIR_TRY(query.count, read_count(request, "count", paths_default, paths_max));
  port.paths(std::move(query), answering<PathList>(respond, paths_response));
  return {};
}

Result<void> get_explanation(const Request& request, const Responder& respond, PathPort& port) {
  WEIR_CHECK(allow_query(request, {"target", "source", "provider"}));
  const auto target = request.query_value("target");
  const auto source = request.query_value("source");
  const auto provider = request.query_value("provider");
  if (target && !target->empty() && !source && !provider) {
    port.explain_recipient(std::string(*target), answering<RecipientExplanation>(
                                                     respond, recipient_explanation_response));
    return {};
  }
  if (target || !source || !provider || source->empty() || provider->empty()) {
    return fail(Errc::invalid_argument,
                "give \"target\" (a message id, an address or a domain), or \"source\" and "
                "\"provider\"");
  }
  port.explain_path(std::string(*source), std::string(*provider),
                    answering<PathList>(respond, paths_response));
  return {};
}

Result<void> get_hands(const Request& request, const Responder& respond, PathPort& port) {
  WEIR_CHECK(allow_query(request, {}));
  port.hands(answering<HandList>(respond, hands_response));
  return {};
}

Result<void> get_unknown(const Request& request, const Responder& respond, PathPort& port) {
  WEIR_CHECK(allow_query(request, {}));
  port.unknown_refusals(answering<UnknownRefusalList>(respond, unknown_refusals_response));
  return {};
}

Result<Json> read_body(const Request& request, std::initializer_list<std::string_view> known) {
  Json json = Json::parse(request.body, nullptr, false);
  if (!json.is_object()) return fail(Errc::invalid_argument, "the body is not a JSON object");
  for (const auto& [name, value] : json.items()) {
    if (std::ranges::find(known, name) == known.end()) {
      return fail(Errc::invalid_argument,
                  fmt::format("unknown member \"{}\"; known are {}", name, fmt::join(known, ", ")));
    }
  }
  return json;
}

// Empty when it is absent or null.
Result<std::string> read_text(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return std::string();
  if (!found->is_string())
    return fail(Errc::invalid_argument, fmt::format("\"{}\" must be a string", name));
  return found->get<std::string>();
}

Result<std::string> read_reason(const Json& json) {
  WEIR_TRY(std::string reason, read_text(json, "reason"));
  if (reason.empty()) {
    return fail(Errc::invalid_argument,
                "\"reason\" is missing; say why, for whoever finds it in force at night");
  }
  return reason;
}

// Names that must be given, so that nothing acts on every path by omission.
Result<PathOrder> read_order(const Request& request, const Json& json) {
  PathOrder order;
  order.actor = request.actor;
  WEIR_TRY(order.reason, read_reason(json));
  WEIR_TRY(const std::string source, read_text(json, "source"));
  WEIR_TRY(const std::string provider, read_text(json, "provider"));
  if (source.empty() || provider.empty()) {
    return fail(Errc::invalid_argument,
                "\"source\" and \"provider\" are needed; \"*\" stands for every one");
  }
  order.source = name_or_all(source);
  order.provider = name_or_all(provider);
  return order;
}

Result<HandOrder::Kind> read_kind(std::string_view name) {
  if (name == "pause") return HandOrder::Kind::pause;
  if (name == "cap") return HandOrder::Kind::cap;
  if (name == "slow") return HandOrder::Kind::slow;
  return fail(Errc::invalid_argument,
              fmt::format("\"action\" must be pause, cap or slow, not \"{}\"", name));
}

Result<void> read_limits(const Json& json, HandOrder& order) {
  WEIR_TRY(const std::string rate, read_text(json, "rate"));
  if (!rate.empty()) {
    WEIR_TRY(order.rate, parse_rate(rate));
    if (order.rate->events == 0)
      return fail(Errc::invalid_argument, "\"rate\" must be above zero; to stop all, pause");
  }
  if (const auto found = json.find("connections"); found != json.end() && !found->is_null()) {
    const std::uint64_t count = found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
    if (count == 0 || count > connections_max) {
      return fail(Errc::invalid_argument,
                  fmt::format("\"connections\" must be a number from 1 to {}", connections_max));
    }
    order.connections = static_cast<std::uint32_t>(count);
  }
  const bool has_limit = order.rate || order.connections;
  if (order.kind == HandOrder::Kind::pause && has_limit)
    return fail(Errc::invalid_argument, "a pause has no rate and no connections; use cap");
  if (order.kind == HandOrder::Kind::slow && order.connections)
    return fail(Errc::invalid_argument, "slow takes a rate only; for connections use cap");
  if (order.kind == HandOrder::Kind::cap && !has_limit)
    return fail(Errc::invalid_argument, "a cap needs \"rate\", \"connections\" or both");
  return {};
}

Result<void> post_hand(const Request& request, const Responder& respond, PathPort& port) {
  WEIR_TRY(const Json json, read_body(request, {"action", "source", "provider", "rate",
                                                "connections", "for", "reason"}));
  WEIR_TRY(const std::string action, read_text(json, "action"));
  HandOrder order;
  WEIR_TRY(order.kind, read_kind(action));
  WEIR_TRY(PathOrder paths, read_order(request, json));
  order.source = std::move(paths.source);
  order.provider = std::move(paths.provider);
  order.reason = std::move(paths.reason);
  order.actor = std::move(paths.actor);
  WEIR_CHECK(read_limits(json, order));
  WEIR_TRY(const std::string lasts, read_text(json, "for"));
  if (!lasts.empty()) {
    WEIR_TRY(order.lasts, parse_duration(lasts));
    if (*order.lasts <= Duration{} || *order.lasts > hand_lasts_max)
      return fail(Errc::invalid_argument, "\"for\" must be above zero and at most 365d");
  }
  port.set_hand(std::move(order), answering<HandList>(respond, [](const HandList& list) {
                  Response response = hands_response(list);
                  response.status = 201;
                  return response;
                }));
  return {};
}

Result<void> post_undo(const Request& request, const Responder& respond, PathPort& port) {
  const std::string_view text = request.path_value("id");
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size() || id == 0) {
    return fail(Errc::invalid_argument,
                fmt::format("\"{}\" is no number; `mailweir path hands` lists them", text));
  }
  WEIR_TRY(const Json json, read_body(request, {"reason"}));
  PathOrder order;
  order.actor = request.actor;
  WEIR_TRY(order.reason, read_text(json, "reason"));
  port.undo(id, std::move(order), answering<HandList>(respond, hands_response));
  return {};
}

Result<void> post_resume(const Request& request, const Responder& respond, PathPort& port) {
  WEIR_TRY(const Json json, read_body(request, {"source", "provider", "reason"}));
  WEIR_TRY(PathOrder order, read_order(request, json));
  port.resume(std::move(order), answering<HandList>(respond, hands_response));
  return {};
}

Result<void> post_forget(const Request& request, const Responder& respond, PathPort& port) {
  WEIR_TRY(const Json json, read_body(request, {"source", "provider", "reason"}));
  WEIR_TRY(PathOrder order, read_order(request, json));
  port.forget(std::move(order), answering<ForgottenPaths>(respond, forgotten_response));
  return {};
}

}  // namespace

void add_path_routes(Router& router, PathPort& port) {
  const auto reader = Access::reader;
  const auto changer = Access::operator_only;
  router.add(Method::get, "/api/v1/paths", reader, handling(port, get_paths));
  router.add(Method::get, "/api/v1/explain", reader, handling(port, get_explanation));
  router.add(Method::get, "/api/v1/hands", reader, handling(port, get_hands));
  router.add(Method::get, "/api/v1/refusals/unknown", reader, handling(port, get_unknown));
  router.add(Method::post, "/api/v1/hands", changer, handling(port, post_hand));
  router.add(Method::post, "/api/v1/hands/{id}/undo", changer, handling(port, post_undo));
  router.add(Method::post, "/api/v1/paths/resume", changer, handling(port, post_resume));
  router.add(Method::post, "/api/v1/paths/forget", changer, handling(port, post_forget));
}

}  // namespace mailweir::console
