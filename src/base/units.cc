#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace mailweir {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 5> duration_units = {{{"d", 86'400'000'000},
                                                 {"h", 3'600'000'000},
                                                 {"m", 60'000'000},
                                                 {"s", 1'000'000},
                                                 {"ms", 1'000}}};
constexpr std::array<Unit, 7> byte_units = {{{"GiB", 1ULL << 30},
                                             {"MiB", 1ULL << 20},
                                             {"KiB", 1ULL << 10},
                                             {"GB", 1'000'000'000},
                                             {"MB", 1'000'000},
                                             {"kB", 1'000},
                                             {"B", 1}}};
constexpr std::array<Unit, 4> rate_units = {
    {{"day", 86'400'000'000}, {"h", 3'600'000'000}, {"min", 60'000'000}, {"s", 1'000'000}}};

std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, errc] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (errc != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

template <std::size_t N>
const Unit* find_unit(const std::array<Unit, N>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

bool overflows(std::uint64_t number, std::uint64_t factor) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return number > most / factor;
}

template <std::size_t N>
std::string shortest(std::uint64_t value, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (value % unit.factor == 0 && value != 0)
      return fmt::format("{}{}", value / unit.factor, unit.name);
  }
  return fmt::format("{}{}", value / units.back().factor, units.back().name);
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  constexpr std::string_view hint =
      R"(write a number with its unit, such as "250ms", "30s", "5m", "4h" or "5d")";
  const std::string_view whole = text;
  std::uint64_t total = 0;
  if (text.empty())
    return fail(Errc::invalid_argument, fmt::format("the duration is empty; {}", hint));
  while (!text.empty()) {
    const auto number = take_number(text);
    std::size_t letters = 0;
    while (letters < text.size() && (text[letters] < '0' || text[letters] > '9')) ++letters;
    const Unit* unit = number ? find_unit(duration_units, text.substr(0, letters)) : nullptr;
    if (unit == nullptr || overflows(*number, unit->factor) ||
        overflows(total + *number * unit->factor, 1)) {
      return fail(Errc::invalid_argument, fmt::format("\"{}\" is not a duration; {}", whole, hint));
    }
    total += *number * unit->factor;
    text.remove_prefix(letters);
  }
  return Duration(static_cast<std::int64_t>(total));
}

Result<ByteCount> parse_byte_count(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  const Unit* unit = number ? find_unit(byte_units, rest) : nullptr;
  if (unit == nullptr || overflows(*number, unit->factor)) {
    return fail(
        Errc::invalid_argument,
        fmt::format(
            R"("{}" is not a size; write a number with its unit, such as "512B", "64KiB" or "50MiB")",
            text));
  }
  return ByteCount{*number * unit->factor};
}

Result<Rate> parse_rate(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  const Unit* unit =
      number && rest.starts_with('/') ? find_unit(rate_units, rest.substr(1)) : nullptr;
  if (unit == nullptr) {
    return fail(
        Errc::invalid_argument,
        fmt::format(R"("{}" is not a rate; write it as "5/s", "20/min", "1000/h" or "50000/day")",
                    text));
  }
  return Rate{*number, Duration(static_cast<std::int64_t>(unit->factor))};
}

std::string to_string(Duration duration) {
  const auto us = static_cast<std::uint64_t>(duration.count() < 0 ? 0 : duration.count());
  return us % 1000 == 0 ? shortest(us, duration_units) : fmt::format("{}us", us);
}

std::string to_string(ByteCount bytes) {
  return shortest(bytes.value, byte_units);
}

std::string to_string(Rate rate) {
  for (const Unit& unit : rate_units) {
    if (unit.factor == static_cast<std::uint64_t>(rate.period.count())) {
      return fmt::format("{}/{}", rate.events, unit.name);
    }
  }
  return fmt::format("{} per {}", rate.events, to_string(rate.period));
}

}  // namespace mailweir
