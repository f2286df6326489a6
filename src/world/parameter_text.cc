#include "world/parameter_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/nearest_name.h"

namespace mailweir::world {
using mailweir::to_string;

namespace {

template <class Value, std::size_t size>
using Names = std::array<std::pair<Value, std::string_view>, size>;

constexpr Names<Scope, 5> scopes{{{Scope::ip, "ip"},
                                  {Scope::network, "network"},
                                  {Scope::everyone, "everyone"},
                                  {Scope::dkim, "dkim"},
                                  {Scope::spf, "spf"}}};
// Nothing is refused by a reply inside the TLS handshake.
constexpr Names<Step, step_count - 1> steps{{{Step::connect, "connect"},
                                             {Step::ehlo, "ehlo"},
                                             {Step::mail, "mail"},
                                             {Step::rcpt, "rcpt"},
                                             {Step::data, "data"},
                                             {Step::end_of_data, "end_of_data"}}};
constexpr Names<Manner, 4> manners{{{Manner::reply, "reply"},
                                    {Manner::silence, "silence"},
                                    {Manner::close, "close"},
                                    {Manner::reset, "reset"}}};
constexpr Names<TripOn, 5> trips{{{TripOn::never, "never"},
                                  {TripOn::refusals, "refusals"},
                                  {TripOn::messages, "messages"},
                                  {TripOn::unknown, "unknown"},
                                  {TripOn::unwanted, "unwanted"}}};
constexpr Names<PenaltyEnd, 4> ends{{{PenaltyEnd::fixed, "fixed"},
                                     {PenaltyEnd::extend, "extend"},
                                     {PenaltyEnd::restart, "restart"},
                                     {PenaltyEnd::quiet, "quiet"}}};
constexpr Names<NetworkFault, 10> faults{{{NetworkFault::drop_syn, "drop_syn"},
                                          {NetworkFault::refuse, "refuse"},
                                          {NetworkFault::close, "close"},
                                          {NetworkFault::slow_banner, "slow_banner"},
                                          {NetworkFault::cut_ehlo, "cut_ehlo"},
                                          {NetworkFault::cut_mail, "cut_mail"},
                                          {NetworkFault::cut_data, "cut_data"},
                                          {NetworkFault::mute_ehlo, "mute_ehlo"},
                                          {NetworkFault::tarpit, "tarpit"},
                                          {NetworkFault::cut_tls, "cut_tls"}}};

bool holds(Range range, double value) {
  return value >= range.least && value <= range.most;
}

template <class Value, std::size_t size>
Result<void> read_name(std::string_view text, Range range, const Names<Value, size>& names,
                       Value& value) {
  std::vector<std::string_view> known;
  for (const auto& [each, name] : names) {
    if (!holds(range, static_cast<double>(each))) continue;
    if (name == text) {
      value = each;
      return {};
    }
    known.push_back(name);
  }
  const std::string_view near = nearest_name(text, known);
  const std::string hint = near.empty() ? fmt::format("write one of {}", fmt::join(known, ", "))
                                        : fmt::format("did you mean \"{}\"?", near);
  return fail(Errc::invalid_argument, fmt::format("\"{}\" is none of the choices; {}", text, hint));
}

template <class Value, std::size_t size>
std::string name_of(Value value, const Names<Value, size>& names) {
  return std::string(
      std::ranges::find(names, value, &std::pair<Value, std::string_view>::first)->second);
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    std::string_view part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    parts.push_back(part);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return parts;
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, errc] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (errc != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string shown(Range range, std::string (*write)(double)) {
  return std::isinf(range.most) ? fmt::format("{} or more", write(range.least))
                                : fmt::format("{} to {}", write(range.least), write(range.most));
}

std::string plain(double value) {
  return fmt::format("{}", value);
}
std::string as_duration(double microseconds) {
  return to_string(Duration(static_cast<std::int64_t>(microseconds)));
}

}  // namespace

Result<void> read_text(std::string_view text, Range range, std::uint64_t& value) {
  const auto number = number_of<std::uint64_t>(text);
  if (!number || !holds(range, static_cast<double>(*number))) {
    return fail(Errc::invalid_argument, fmt::format("\"{}\" will not do; write a whole number, {}",
                                                    text, shown(range, plain)));
  }
  value = *number;
  return {};
}

Result<void> read_text(std::string_view text, Range range, double& value) {
  const auto number = number_of<double>(text);
  if (!number || !holds(range, *number)) {
    return fail(Errc::invalid_argument,
                fmt::format("\"{}\" will not do; write a number such as 0.5, {}", text,
                            shown(range, plain)));
  }
  value = *number;
  return {};
}

Result<void> read_text(std::string_view text, Range range, Duration& value) {
  WEIR_TRY(const Duration duration, parse_duration(text));
  if (!holds(range, static_cast<double>(duration.count()))) {
    return fail(Errc::invalid_argument, fmt::format("\"{}\" will not do; write a duration, {}",
                                                    text, shown(range, as_duration)));
  }
  value = duration;
  return {};
}

Result<void> read_text(std::string_view text, Range, Rate& value) {
  WEIR_TRY(value, parse_rate(text));
  return {};
}

Result<void> read_text(std::string_view text, Range, Wording& value) {
  WEIR_TRY(value, parse_wording(text));
  return {};
}

Result<void> read_text(std::string_view text, Range range, Scope& value) {
  return read_name(text, range, scopes, value);
}
Result<void> read_text(std::string_view text, Range range, Step& value) {
  return read_name(text, range, steps, value);
}
Result<void> read_text(std::string_view text, Range range, Manner& value) {
  return read_name(text, range, manners, value);
}
Result<void> read_text(std::string_view text, Range range, TripOn& value) {
  return read_name(text, range, trips, value);
}
Result<void> read_text(std::string_view text, Range range, PenaltyEnd& value) {
  return read_name(text, range, ends, value);
}
Result<void> read_text(std::string_view text, Range range, NetworkFault& value) {
  return read_name(text, range, faults, value);
}

Result<void> read_text(std::string_view text, Range, Networks& value) {
  const std::vector<std::string_view> parts = parts_of(text);
  const std::vector<std::string> texts(parts.begin(), parts.end());
  WEIR_TRY(value, Networks::parse(texts));
  return {};
}

Result<void> read_text(std::string_view text, Range, std::vector<RateFrom>& value) {
  constexpr std::string_view hint =
      R"(write when each rate begins, such as "0s=10/s, 5h=4/s", the first at 0s)";
  std::vector<RateFrom> read;
  for (const std::string_view part : parts_of(text)) {
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos)
      return fail(Errc::invalid_argument, fmt::format("\"{}\" has no \"=\"; {}", part, hint));
    WEIR_TRY(const Duration at, parse_duration(part.substr(0, equals)));
    WEIR_TRY(const Rate rate, parse_rate(part.substr(equals + 1)));
    if (!read.empty() && at <= read.back().at)
      return fail(Errc::invalid_argument,
                  fmt::format("\"{}\" is not later than the one before; {}", part, hint));
    read.push_back({at, rate});
  }
  if (read.empty() || read.front().at != Duration::zero())
    return fail(Errc::invalid_argument, fmt::format("there is no rate at 0s; {}", hint));
  value = std::move(read);
  return {};
}

Result<void> read_text(std::string_view text, Range range, std::vector<std::uint64_t>& value) {
  std::vector<std::uint64_t> read;
  for (const std::string_view part : parts_of(text)) {
    std::uint64_t number = 0;
    WEIR_CHECK(read_text(part, range, number));
    read.push_back(number);
  }
  value = std::move(read);
  return {};
}

std::string write_text(std::uint64_t value) {
  return fmt::format("{}", value);
}
std::string write_text(double value) {
  return fmt::format("{}", value);
}
std::string write_text(Duration value) {
  return value == Duration::zero() ? "0s" : to_string(value);
}
std::string write_text(Rate value) {
  return to_string(value);
}
std::string write_text(const Wording& value) {
  return to_string(value);
}
std::string write_text(Scope value) {
  return name_of(value, scopes);
}
std::string write_text(Step value) {
  return name_of(value, steps);
}
std::string write_text(Manner value) {
  return name_of(value, manners);
}
std::string write_text(TripOn value) {
  return name_of(value, trips);
}
std::string write_text(PenaltyEnd value) {
  return name_of(value, ends);
}
std::string write_text(NetworkFault value) {
  return name_of(value, faults);
}

std::string write_text(const Networks& value) {
  std::vector<std::string> texts;
  for (const Network& network : value.entries()) texts.push_back(to_string(network));
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string write_text(const std::vector<RateFrom>& value) {
  std::vector<std::string> texts;
  for (const RateFrom& step : value)
    texts.push_back(fmt::format("{}={}", write_text(step.at), to_string(step.rate)));
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::string write_text(const std::vector<std::uint64_t>& value) {
  return fmt::format("{}", fmt::join(value, ", "));
}

}  // namespace mailweir::world
