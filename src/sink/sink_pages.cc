#include "sink/sink_pages.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

namespace mailweir::sink {
namespace {

using Json = nlohmann::ordered_json;
using console::Access;
using console::Method;
using console::Request;
using console::Responder;
using console::Response;
using Control = world::Receiver::Control;
using Kind = world::Answer::Kind;

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::accept:
      return "accept";
    case Kind::reply:
      return "reply";
    case Kind::silence:
      return "silence";
    case Kind::close:
      return "close";
    case Kind::reset:
      return "reset";
  }
  return {};
}

Json json_of(const SourceView& view) {
  const auto& tally = view.tally;
  Json refused_at = Json::object();
  for (std::size_t i = 0; i < world::step_count; ++i)
    refused_at[std::string(to_string(static_cast<world::Step>(i)))] = tally.refused_at.at(i);
  Json json = {{"source", to_string(view.source)},
               {"connections", tally.connections},
               {"open", tally.open},
               {"messages", tally.messages},
               {"recipients", tally.recipients},
               {"octets", tally.octets},
               {"transient", tally.transient},
               {"permanent", tally.permanent},
               {"closed", tally.closed},
               {"reset", tally.reset},
               {"silent", tally.silent},
               {"refused_at", std::move(refused_at)},
               {"last_refusal", tally.last_refusal},
               {"limit", nullptr},
               {"is_penalized", view.is_penalized},
               {"trips", view.trips},
               {"blocked", nullptr}};
  if (std::isfinite(view.limit)) json["limit"] = view.limit;
  if (tally.block) json["blocked"] = name_of(*tally.block);
  return json;
}

double seconds_since(const SinkSubject& subject) {
  return std::chrono::duration<double>(subject.clock.now() - subject.started).count();
}

Response report(const SinkSubject& subject) {
  const auto counts = subject.twin.counts();
  Json listen = Json::array();
  for (const auto& endpoint : subject.twin.endpoints()) listen.push_back(to_string(endpoint));
  Json parameters = Json::object();
  for (const auto& parameter : world::list_parameters(subject.spec))
    parameters[parameter.name] = parameter.value;
  Json sources = Json::array();
  for (const auto& view : subject.receiver.sources()) sources.push_back(json_of(view));
  const Json json = {{"personality", subject.spec.name},  {"seed", subject.seed},
                     {"listen", std::move(listen)},       {"uptime_s", seconds_since(subject)},
                     {"sessions", counts.sessions},       {"silent", counts.silent},
                     {"turned_away", counts.turned_away}, {"messages", counts.messages},
                     {"sources", std::move(sources)},     {"parameters", std::move(parameters)}};
  Response response;
  response.body = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  return response;
}

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

constexpr std::string_view page_head = R"html(<!doctype html>
<html lang="{0}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="2">
<title>{1}: Mailweir sink</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.4rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: right; padding: .25rem .6rem; border-bottom: 1px solid #8886; }}
th:first-child, td:first-child, td:last-child, th:last-child {{ text-align: left; }}
.penalized {{ font-weight: bold; color: light-dark(#a40000, #ff8f8f); }}
code {{ font-family: ui-monospace, monospace; }}
</style>
</head>
<body>
<h1>{1}</h1>
)html";

constexpr Bilingual sentence{
    "Taken: {0} messages; open sessions: {1}, of them left in silence: {2}; running for {3:.0f} s.",
    "受け取り {0} 通、接続中 {1}(うち応答なし {2})、起動後 {3:.0f} 秒。"};
constexpr Bilingual columns{
    "<th>source IP</th><th>connections</th><th>taken</th><th>4xx</th><th>5xx</th><th>closed</th>"
    "<th>reset</th><th>silent</th><th>limit/s</th><th>trips</th><th>now</th><th>last refusal</th>",
    "<th>送信元 IP</th><th>接続</th><th>受け取り</th><th>4xx</th><th>5xx</th><th>切断</th>"
    "<th>RST</th><th>応答なし</th><th>上限/秒</th><th>発動</th><th>現在</th><th>最後の拒否</th>"};
constexpr Bilingual penalized{"penalized", "制限中"};
constexpr Bilingual free_now{"free", "通常"};
constexpr Bilingual nobody{"Nobody has come yet.", "まだ接続はありません。"};
constexpr Bilingual tail{
    "<p><a href=\"/api/v1/sink\">JSON</a> · <a href=\"/?lang=ja\">日本語</a></p>\n"
    "<p>Take it in hand: <code>curl --json '{\"action\":\"trip\",\"source\":\"127.0.0.1\"}' "
    "http://ADDRESS:PORT/api/v1/control</code>; the actions are trip, release, block, unblock.</p>",
    "<p><a href=\"/api/v1/sink\">JSON</a> · <a href=\"/?lang=en\">English</a></p>\n"
    "<p>操作: <code>curl --json '{\"action\":\"trip\",\"source\":\"127.0.0.1\"}' "
    "http://ADDRESS:PORT/api/v1/control</code>。action は trip(制限開始)、release(解除)、"
    "block(遮断)、unblock(遮断解除)。</p>"};

void append_row(std::string& page, const SourceView& view, Language language) {
  const auto& tally = view.tally;
  const bool is_out = view.is_penalized || tally.block;
  const auto now =
      tally.block ? name_of(*tally.block) : (view.is_penalized ? penalized : free_now).in(language);
  fmt::format_to(
      std::back_inserter(page),
      "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>"
      "<td>{}</td><td>{}</td><td{}>{}</td><td>{}</td></tr>\n",
      to_string(view.source), tally.connections, tally.messages, tally.transient, tally.permanent,
      tally.closed, tally.reset, tally.silent,
      std::isfinite(view.limit) ? fmt::format("{:.1f}", view.limit) : "∞", view.trips,
      is_out ? " class=\"penalized\"" : "", now, escaped(tally.last_refusal));
}

Response page(const SinkSubject& subject, Language language) {
  const auto counts = subject.twin.counts();
  std::string body = fmt::format(fmt::runtime(page_head),
                                 language == Language::japanese ? "ja" : "en", subject.spec.name);
  body += "<p>" + escaped(subject.spec.summary) + "</p>\n<p>" +
          say(language, sentence, counts.messages, counts.sessions, counts.silent,
              seconds_since(subject)) +
          "</p>\n";
  const auto views = subject.receiver.sources();
  if (views.empty()) {
    body.append("<p>").append(nobody.in(language)).append("</p>\n");
  } else {
    body.append("<table><tr>").append(columns.in(language)).append("</tr>\n");
    for (const auto& view : views) append_row(body, view, language);
    body += "</table>\n";
  }
  body.append(tail.in(language)).append("\n</body>\n</html>\n");
  Response response;
  response.content_type = "text/html; charset=utf-8";
  response.body = std::move(body);
  return response;
}

// --- control

struct Order {
  std::string action;
  IpAddress source;
  std::string how;
};

Result<Order> read_order(const Request& request) {
  const auto bad = [](std::string text) { return fail(Errc::invalid_argument, std::move(text)); };
  const Json body = Json::parse(request.body, nullptr, false);
  if (!body.is_object())
    return bad(R"(the body must be JSON, as {"action":"trip","source":"127.0.0.1"})");
  Order order;
  std::string source;
  for (const auto& [name, value] : body.items()) {
    if (!value.is_string()) return bad(fmt::format("\"{}\" must be a string", name));
    if (name == "action") {
      order.action = value;
    } else if (name == "source") {
      source = value;
    } else if (name == "how") {
      order.how = value;
    } else {
      return bad(fmt::format("unknown member \"{}\"; known are action, source, how", name));
    }
  }
  auto address = IpAddress::parse(source);
  if (!address) return bad(fmt::format("\"source\" must be an IP address, not \"{}\"", source));
  order.source = *address;
  return order;
}

std::optional<Kind> network_kind(std::string_view how) {
  for (const auto kind : {Kind::close, Kind::reset, Kind::silence}) {
    if (name_of(kind) == how) return kind;
  }
  return std::nullopt;
}

// By what it was done: "model" or "network".
Result<std::string> block(SharedReceiver& receiver, const Order& order) {
  const bool asks_model = order.how.empty() || order.how == "model";
  if (asks_model && receiver.control(Control::block_network, order.source)) return "model";
  const auto kind = network_kind(order.how.empty() ? "reset" : order.how);
  if (!kind && order.how == "model")
    return fail(Errc::refused, "this personality has no model that blocks an address");
  if (!kind) {
    return fail(
        Errc::invalid_argument,
        fmt::format("\"how\" must be close, reset, silence or model, not \"{}\"", order.how));
  }
  receiver.block(order.source, kind);
  return "network";
}

Result<std::string> carry_out(SharedReceiver& receiver, const Order& order) {
  if (order.action == "block") return block(receiver, order);
  if (order.action == "unblock") {
    receiver.block(order.source, std::nullopt);
    return receiver.control(Control::unblock_network, order.source) ? "model" : "network";
  }
  if (order.action != "trip" && order.action != "release") {
    return fail(Errc::invalid_argument,
                fmt::format("\"action\" must be trip, release, block or unblock, not \"{}\"",
                            order.action));
  }
  const auto what = order.action == "trip" ? Control::trip : Control::release;
  if (receiver.control(what, order.source)) return "model";
  return fail(Errc::refused, "this personality has no model that could be tripped or released");
}

Response control(const SinkSubject& subject, const Request& request) {
  if (request.content_type != "application/json")
    return console::problem(415, "send the order as application/json");
  const auto order = read_order(request);
  if (!order) return console::problem(order.error());
  const auto by = carry_out(subject.receiver, *order);
  if (!by) return console::problem(by.error());
  Response response;
  response.body =
      Json{{"action", order->action}, {"source", to_string(order->source)}, {"by", *by}}.dump() +
      "\n";
  return response;
}

}  // namespace

void add_pages(console::Router& router, const SinkSubject& subject) {
  router.add(Method::get, "/", Access::reader,
             [subject](const Request& request, const Responder& respond) {
               const auto asked = request.query_value("lang");
               const auto language = asked == "ja"   ? Language::japanese
                                     : asked == "en" ? Language::english
                                                     : subject.language;
               respond(page(subject, language));
             });
  router.add(Method::get, "/api/v1/sink", Access::reader,
             [subject](const Request&, const Responder& respond) { respond(report(subject)); });
  router.add(Method::post, "/api/v1/control", Access::reader,
             [subject](const Request& request, const Responder& respond) {
               respond(control(subject, request));
             });
}

}  // namespace mailweir::sink
