// A Kind says how values of one kind are written in the configuration: how to read one, print one,
// and name the kind to a reader.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <expected>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/networks.h"
#include "base/result.h"
#include "base/time.h"
#include "base/units.h"
#include "config/config.h"
#include "config/document.h"

namespace mailweir::config {

template <class T>
using ReadResult = std::expected<T, std::vector<Complaint>>;

template <class T>
struct Kind {
  std::string name;  // "duration, at least 1s"
  std::function<ReadResult<T>(const Node&)> read;
  // As TOML; empty: the value is absent and nothing is written.
  std::function<std::string(const T&)> print;
};

std::unexpected<std::vector<Complaint>> complain(const Node& node, std::string message);
// The complaint that a node is of another TOML type; `example` is how it should look.
std::unexpected<std::vector<Complaint>> complain_type(const Node& node, std::string_view example);

// A TOML string: quoted, escaped.
std::string quote(std::string_view text);

namespace kinds {

// Made once, at start: what a kind keeps is given by value.
// NOLINTBEGIN(performance-unnecessary-value-param)

// A string that `check` accepts or turns into a value.
template <class T>
Kind<T> parsed(std::string name, std::string example,
               std::function<Result<T>(std::string_view)> parse,
               std::function<std::string(const T&)> print) {
  const auto read = [example, parse](const Node& node) -> ReadResult<T> {
    const auto* text = std::get_if<std::string>(&node.value);
    if (text == nullptr) return complain_type(node, example);
    Result<T> value = parse(*text);
    if (!value) return complain(node, value.error().context);
    return std::move(*value);
  };
  return {.name = std::move(name), .read = read, .print = std::move(print)};
}

template <std::unsigned_integral T>
Kind<T> whole_number(T min, T max = std::numeric_limits<T>::max()) {
  const std::string range = max == std::numeric_limits<T>::max()
                                ? fmt::format("at least {}", min)
                                : fmt::format("{} to {}", min, max);
  const auto read = [min, max, range](const Node& node) -> ReadResult<T> {
    const auto* number = std::get_if<std::int64_t>(&node.value);
    if (number == nullptr) return complain_type(node, fmt::format("{}", min));
    if (std::cmp_less(*number, min) || std::cmp_greater(*number, max)) {
      return complain(node, fmt::format("{} is out of range; give {}", *number, range));
    }
    return static_cast<T>(*number);
  };
  return {.name = "number, " + range, .read = read, .print = [](const T& value) {
            return fmt::format("{}", value);
          }};
}

// One of a few words.
template <class E>
Kind<E> choice(std::vector<std::pair<std::string, E>> words) {
  std::string name;
  for (const auto& [word, value] : words)
    name += fmt::format("{}{}", name.empty() ? "" : ", ", quote(word));
  const auto parse = [words, name](std::string_view text) -> Result<E> {
    for (const auto& [word, value] : words) {
      if (word == text) return value;
    }
    return fail(Errc::invalid_argument,
                fmt::format("{} is none of the choices; use one of {}", quote(text), name));
  };
  const auto print = [words](const E& wanted) {
    for (const auto& [word, value] : words) {
      if (value == wanted) return quote(word);
    }
    return std::string();
  };
  return parsed<E>("one of " + name, quote(words.front().first), parse, print);
}

template <class T>
Kind<std::vector<T>> list(Kind<T> element) {
  const auto read = [element](const Node& node) -> ReadResult<std::vector<T>> {
    const Array* nodes = node.array();
    if (nodes == nullptr) return complain_type(node, "[ … ]");
    std::vector<T> values;
    std::vector<Complaint> complaints;
    for (const Node& part : *nodes) {
      auto value = element.read(part);
      if (value) {
        values.push_back(std::move(*value));
      } else {
        std::ranges::move(value.error(), std::back_inserter(complaints));
      }
    }
    if (!complaints.empty()) return std::unexpected(std::move(complaints));
    return values;
  };
  const auto print = [element](const std::vector<T>& values) {
    std::string text;
    for (const T& value : values) text += (text.empty() ? "" : ", ") + element.print(value);
    return "[" + text + "]";
  };
  return {.name = "list (" + element.name + ")", .read = read, .print = print};
}

// Absent values print as nothing.
template <class T>
Kind<std::optional<T>> optional(Kind<T> kind) {
  return {.name = kind.name,
          .read = [kind](const Node& node) -> ReadResult<std::optional<T>> {
            auto value = kind.read(node);
            if (!value) return std::unexpected(std::move(value.error()));
            return std::move(*value);
          },
          .print =
              [kind](const std::optional<T>& value) {
                return value ? kind.print(*value) : std::string();
              }};
}

template <class T>
Kind<T> put_last_if(T absent, Kind<T> kind) {
  kind.print = [print = kind.print, absent](const T& value) {
    return value == absent ? std::string() : print(value);
  };
  return kind;
}

// NOLINTEND(performance-unnecessary-value-param)

Kind<bool> flag();
Kind<double> real(double min, double max);
Kind<Duration> duration(Duration min, Duration max = std::chrono::days(3650));
Kind<ByteCount> bytes(ByteCount min);
Kind<std::optional<Rate>> rate();          // or "unlimited"
Kind<RateLimit> rate_limit();              // the same, for an override
Kind<std::string> text(std::string name);  // any string
Kind<std::string> path();
Kind<std::string> path_or_none();     // "" is none
Kind<std::string> label();            // the name of a source, a pool, …
Kind<std::string> host();             // a host name
Kind<std::string> host_or_address();  // without a port
Kind<std::string> domain_pattern();   // "example.com", "*.example.com" or "*"
Kind<std::string> field_name();       // of a header
Kind<std::string> mailbox();
Kind<std::string> sender();  // a mailbox or "<>"
Kind<std::string> ipv4();
Kind<std::string> ipv6();
Kind<Endpoint> endpoint();
Kind<Endpoint> dns_server();  // port 53 if none is given
Kind<Networks> networks();
Kind<Networks> relay_networks();  // none so wide that strangers could relay

}  // namespace kinds
}  // namespace mailweir::config
