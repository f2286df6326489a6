#include "console/admin_port.h"

namespace mailweir::console {

std::optional<UnixTime> Moment::wall_at(Instant instant) const {
  if (instant == never || instant == Instant{}) return std::nullopt;
  return wall + (instant - now);
}

std::string_view to_string(Action action) {
  switch (action) {
    case Action::retry:
      return "retry";
    case Action::hold:
      return "hold";
    case Action::release:
      return "release";
    case Action::remove:
      return "delete";
  }
  return "";
}

}  // namespace mailweir::console
