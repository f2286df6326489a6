// Asking the server, and what every command does with its answer. For the *commands.cc files only.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/commands.h"
#include "cli/http_client.h"
#include "cli/json_view.h"

namespace mailweir::cli {

using Presenter = std::string (*)(const Json&, const Style&);

HttpCall get(std::string target);
HttpCall post(std::string target, const std::string& json);

// Asks, and prints the answer or the problem; returns the exit code.
int ask(const Context& context, const HttpCall& call, Presenter present);

// The parts of ask().
void complain(const Context& context, std::string_view text);  // to standard error
int unreachable(const Context& context, const Error& error);
int report_problem(const Context& context, const HttpAnswer& answer);  // RFC 9457
int print(const Context& context, const HttpAnswer& answer, Presenter present);

}  // namespace mailweir::cli
