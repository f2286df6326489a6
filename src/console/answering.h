// What the API's routes share: reading queries strictly, answering with a value or a problem.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "base/ids.h"
#include "base/result.h"
#include "console/http_message.h"
#include "console/moment.h"

namespace mailweir::console {

// A callback that answers with `render(value)`, or with the problem the error amounts to.
template <class T, class Render>
Done<T> answering(Responder respond, Render render) {
  return [respond = std::move(respond), render = std::move(render)](Result<T> result) {
    respond(result ? render(*result) : problem(result.error()));
  };
}

// A number from 1 to `most`; `fallback` when the query has none of that name.
Result<std::size_t> read_count(const Request& request, std::string_view name, std::size_t fallback,
                               std::size_t most);
Result<MessageId> read_id(std::string_view text);
// A mistyped parameter would otherwise widen what is shown, silently.
Result<void> allow_query(const Request& request, std::initializer_list<std::string_view> names);

// A handler that runs `reader` on the port and answers with its error, if it has one.
template <class Port>
Handler handling(Port& port, Result<void> (*reader)(const Request&, const Responder&, Port&)) {
  return [&port, reader](const Request& request, const Responder& respond) {
    if (const auto read = reader(request, respond, port); !read) respond(problem(read.error()));
  };
}

}  // namespace mailweir::console
