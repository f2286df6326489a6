#include "simulate/trace_file.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "config/value_kind.h"

namespace mailweir::simulate {
namespace {

constexpr double seconds_max = 366.0 * 24 * 3600;

// The part before the next comma, which is taken off.
std::string_view take_field(std::string_view& rest) {
  const std::size_t comma = rest.find(',');
  const std::string_view field = rest.substr(0, comma);
  rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  return field;
}

}  // namespace

std::expected<std::vector<Workload::Arrival>, config::Problem> parse_trace(std::string_view text,
                                                                           std::string name) {
  std::vector<Workload::Arrival> arrivals;
  std::uint32_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool is_heading = number == 1 && !line.empty() && line.front() > '9';
    if (line.empty() || is_heading) continue;
    const auto problem = [&](std::uint32_t column, std::string message) {
      return std::unexpected(config::Problem{.file = std::move(name),
                                             .line = number,
                                             .column = column,
                                             .message = std::move(message),
                                             .excerpt = std::string(line.substr(0, 200))});
    };
    std::string_view rest = line;
    const std::string_view time = take_field(rest);
    double seconds = 0;
    const auto read = std::from_chars(time.data(), time.data() + time.size(), seconds);
    if (read.ec != std::errc{} || read.ptr != time.data() + time.size() ||
        !(seconds >= 0 && seconds <= seconds_max)) {
      return problem(1, fmt::format("{} are no seconds since the start; write a line as "
                                    "\"12.5,notice,d1.example.test\"",
                                    config::quote(time)));
    }
    const std::string_view message_class = take_field(rest);
    if (rest.empty() || rest.contains(','))
      return problem(1, "a line has three fields; write it as \"12.5,notice,d1.example.test\"");
    const Duration at(static_cast<std::int64_t>(seconds * 1e6));
    if (!arrivals.empty() && at < arrivals.back().at)
      return problem(1, "the times must not run back; sort the lines");
    arrivals.push_back({at, std::string(message_class), std::string(rest)});
  }
  return arrivals;
}

}  // namespace mailweir::simulate
