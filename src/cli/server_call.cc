#include "cli/server_call.h"

#include <utility>

namespace mailweir::cli {

void complain(const Context& context, std::string_view text) {
  context.environment.err(fmt::format("mailweir: {}\n", text));
}

namespace {

// In the form of a server's problem (RFC 9457), for those who read JSON.
int no_answer(const Context& context, std::string_view title, const std::string& text, int code) {
  complain(context, text);
  if (context.json) {
    const Json problem = {{"type", "about:blank"}, {"title", title}, {"detail", text}};
    context.environment.out(problem.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  return code;
}

}  // namespace

int unreachable(const Context& context, const Error& error) {
  const Language language = context.style.language;
  const std::string& socket = context.socket;
  switch (error.code) {
    case Errc::closed:
      return no_answer(context, "Server unreachable",
                       say(language, Text::unreachable, socket, error.context), exit_unreachable);
    case Errc::timeout:
      return no_answer(context, "No answer", say(language, Text::no_answer, socket, error.context),
                       exit_unreachable);
    default:
      return no_answer(context, "Unusable answer",
                       say(language, Text::bad_answer, socket, error.context), exit_failure);
  }
}

namespace {

int exit_code_of(unsigned status) {
  switch (status) {
    case 400:
    case 413:
    case 415:
      return exit_usage;
    case 404:
      return exit_not_found;
    case 403:
    case 409:
    case 422:
      return exit_refused;
    default:
      return exit_failure;
  }
}

}  // namespace

// The problem the server answered with (RFC 9457), told and turned into an exit code.
int report_problem(const Context& context, const HttpAnswer& answer) {
  const Json problem = Json::parse(answer.body, nullptr, false);
  const std::string detail = raw_text(problem, "detail");
  std::string text;
  for (const std::string_view line : lines_of(detail))
    text += (text.empty() ? "" : "\n") + printable(line);
  complain(context, text.empty() ? fmt::format("HTTP {}", answer.status) : text);
  if (context.json) context.environment.out(answer.body);
  // A message refused for the moment (452 …) is refused all the same.
  return has_value(problem, "reply") ? static_cast<int>(exit_refused) : exit_code_of(answer.status);
}

int print(const Context& context, const HttpAnswer& answer, Presenter present) {
  if (context.json) {
    context.environment.out(answer.body);
    return exit_ok;
  }
  const Json json = Json::parse(answer.body, nullptr, false);
  if (json.is_discarded()) return unreachable(context, Error{Errc::corrupt, "no JSON"});
  context.environment.out(present(json, context.style));
  return exit_ok;
}

// Asks, and prints the answer or the problem.
int ask(const Context& context, const HttpCall& call, Presenter present) {
  const auto answer = call_server(context.socket, call);
  if (!answer) return unreachable(context, answer.error());
  if (answer->status >= 300) return report_problem(context, *answer);
  return print(context, *answer, present);
}

HttpCall get(std::string target) {
  return {.method = "GET", .target = std::move(target), .content_type = {}, .body = {}};
}

HttpCall post(std::string target, const std::string& json) {
  return {.method = "POST",
          .target = std::move(target),
          .content_type = "application/json",
          .body = json};
}

}  // namespace mailweir::cli
