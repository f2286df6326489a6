#include "base/time.h"

#include <fmt/format.h>

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

}  // namespace

std::string to_rfc3339(UnixTime time) {
  const CivilTime t = civil(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(t.date.year()),
                     static_cast<unsigned>(t.date.month()), static_cast<unsigned>(t.date.day()),
                     t.clock.hours().count(), t.clock.minutes().count(), t.clock.seconds().count(),
                     t.clock.subseconds().count() / 1000);
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
