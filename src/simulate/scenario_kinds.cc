#include "simulate/scenario_kinds.h"

#include <fmt/format.h>

#include <algorithm>

#include "simulate/run.h"

namespace mailweir::simulate::kinds {
namespace {

using config::complain;
using config::complain_type;
using config::Kind;
using config::Node;
using config::quote;
using config::ReadResult;

Result<std::string> parse_clock(std::string_view text) {
  if (text == "00:00" || simulate::time_of_day(std::string(text)) > Duration{})
    return std::string(text);
  return fail(Errc::invalid_argument,
              fmt::format("{} is no time of day; write it as \"17:03\"", quote(text)));
}

Result<std::string> parse_label(std::string_view text) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (text.empty() || text.size() > 40 || !std::ranges::all_of(text, is_allowed)) {
    return fail(
        Errc::invalid_argument,
        fmt::format("{} cannot be part of a domain; use 1 to 40 small letters, digits or '-'",
                    quote(text)));
  }
  return std::string(text);
}

Result<Duration> parse_signed(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  WEIR_TRY(const Duration value,
           parse_duration(is_negative || text.starts_with('+') ? text.substr(1) : text));
  return is_negative ? -value : value;
}

ReadResult<Mix> read_mix(const Node& node) {
  const config::Table* table = node.table();
  if (table == nullptr) return complain_type(node, "{ name = 0.5, other = 0.5 }");
  Mix mix;
  double sum = 0;
  for (const config::Entry& entry : table->entries) {
    const auto* whole = std::get_if<std::int64_t>(&entry.node.value);
    const auto* fraction = std::get_if<double>(&entry.node.value);
    if (whole == nullptr && fraction == nullptr) return complain_type(entry.node, "a weight, 0.5");
    const double weight = whole != nullptr ? static_cast<double>(*whole) : *fraction;
    if (!(weight >= 0 && weight <= 1e9))
      return complain(entry.node, "a weight is at least 0; give 0 to 1000000000");
    sum += weight;
    mix.emplace_back(entry.key, weight);
  }
  if (sum <= 0) return complain(node, "all weights are 0; give at least one above");
  return mix;
}

}  // namespace

Kind<std::string> clock_time() {
  return config::kinds::parsed<std::string>("time of day", "\"17:03\"", parse_clock, quote);
}

Kind<Duration> time_of_day() {
  return config::kinds::parsed<Duration>(
      "time of day", "\"14:00\"",
      [](std::string_view text) -> Result<Duration> {
        WEIR_TRY(const std::string clock, parse_clock(text));
        return simulate::time_of_day(clock);
      },
      [](const Duration& value) {
        const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(value).count();
        return fmt::format("\"{:02}:{:02}\"", minutes / 60, minutes % 60);
      });
}

Kind<Duration> signed_duration() {
  return config::kinds::parsed<Duration>(
      "duration, forward or back", "\"-1h\"", parse_signed, [](const Duration& value) {
        return quote((value < Duration{} ? "-" : "") + to_string(std::chrono::abs(value)));
      });
}

Kind<double> share(double most) {
  return config::kinds::real(0, most);
}

Kind<Mix> mix() {
  return {.name = "table of weights", .read = read_mix, .print = [](const Mix& mix) {
            std::string text;
            for (const auto& [name, weight] : mix)
              text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", quote(name), weight);
            return text.empty() ? text : "{ " + text + " }";
          }};
}

Kind<std::string> label() {
  return config::kinds::parsed<std::string>("name", "\"name\"", parse_label, quote);
}

Kind<std::vector<std::uint16_t>> host_numbers() {
  auto kind = config::kinds::list(config::kinds::whole_number<std::uint16_t>(1, 100));
  kind.read = [read = kind.read](const Node& node) {
    auto numbers = read(node);
    if (numbers) {
      for (std::uint16_t& number : *numbers) --number;
    }
    return numbers;
  };
  return kind;
}

}  // namespace mailweir::simulate::kinds
