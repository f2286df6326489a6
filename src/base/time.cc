#include "base/time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace mailweir {
namespace {

struct CivilTime {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<Duration> clock;
  std::chrono::weekday weekday;
};

CivilTime civil(UnixTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  return {std::chrono::year_month_day(day), std::chrono::hh_mm_ss<Duration>(time - day),
          std::chrono::weekday(day)};
}

// Takes fixed-width pieces off the front of a text; `failed` once one does not fit.
struct PieceReader {
  std::string_view rest;
  bool failed = false;

  int digits(std::size_t count) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const char c = i < rest.size() ? rest[i] : '\0';
      failed = failed || c < '0' || c > '9';
      value = value * 10 + (c - '0');
    }
    rest.remove_prefix(std::min(count, rest.size()));
    return failed ? 0 : value;
  }
  char any_of(std::string_view wanted) {
    const char c = rest.empty() ? '\0' : rest.front();
    failed = failed || wanted.find(c) == std::string_view::npos;
    rest.remove_prefix(rest.empty() ? 0 : 1);
    return c;
  }
  Duration fraction() {
    if (!rest.starts_with('.')) return {};
    rest.remove_prefix(1);
    const std::size_t size = std::min(rest.find_first_not_of("0123456789"), rest.size());
    failed = failed || size == 0;
    std::int64_t micros = 0;
    for (std::size_t i = 0; i < 6; ++i) micros = micros * 10 + (i < size ? rest[i] - '0' : 0);
    rest.remove_prefix(size);
    return Duration(micros);
  }
  std::chrono::minutes offset() {
    const char sign = any_of("Zz+-");
    if (failed || sign == 'Z' || sign == 'z') return {};
    const int hours = digits(2);
    any_of(":");
    const int minutes = digits(2);
    failed = failed || hours > 23 || minutes > 59;
    return std::chrono::minutes((sign == '-' ? -1 : 1) * (hours * 60 + minutes));
  }
};

}  // namespace

std::string to_rfc3339(UnixTime time) {
  const CivilTime t = civil(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(t.date.year()),
                     static_cast<unsigned>(t.date.month()), static_cast<unsigned>(t.date.day()),
                     t.clock.hours().count(), t.clock.minutes().count(), t.clock.seconds().count(),
                     t.clock.subseconds().count() / 1000);
}

std::optional<UnixTime> parse_rfc3339(std::string_view text) {
  PieceReader reader{text};
  const int year = reader.digits(4);
  reader.any_of("-");
  const int month = reader.digits(2);
  reader.any_of("-");
  const int day = reader.digits(2);
  reader.any_of("Tt ");
  const int hours = reader.digits(2);
  reader.any_of(":");
  const int minutes = reader.digits(2);
  reader.any_of(":");
  const int seconds = reader.digits(2);
  const Duration fraction = reader.fraction();
  const std::chrono::minutes offset = reader.offset();
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  // A leap second (…:60) is taken as the second after.
  if (reader.failed || !reader.rest.empty() || !date.ok() || hours > 23 || minutes > 59 ||
      seconds > 60) {
    return std::nullopt;
  }
  return std::chrono::sys_days(date) + std::chrono::hours(hours) + std::chrono::minutes(minutes) +
         std::chrono::seconds(seconds) + fraction - offset;
}

std::string to_rfc5322_date(UnixTime time) {
  static constexpr std::array<std::string_view, 7> days = {"Sun", "Mon", "Tue", "Wed",
                                                           "Thu", "Fri", "Sat"};
  static constexpr std::array<std::string_view, 12> months = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const CivilTime t = civil(time);
  return fmt::format("{}, {} {} {} {:02}:{:02}:{:02} +0000", days[t.weekday.c_encoding()],
                     static_cast<unsigned>(t.date.day()),
                     months[static_cast<unsigned>(t.date.month()) - 1],
                     static_cast<int>(t.date.year()), t.clock.hours().count(),
                     t.clock.minutes().count(), t.clock.seconds().count());
}

}  // namespace mailweir
