#include "mail/stored_message.h"

namespace mailweir {

std::string_view to_string(Disposition disposition) {
  switch (disposition) {
    case Disposition::queued:
      return "queued";
    case Disposition::deferred:
      return "deferred";
    case Disposition::held:
      return "held";
    case Disposition::delivered:
      return "delivered";
    case Disposition::bounced:
      return "bounced";
    case Disposition::expired:
      return "expired";
    case Disposition::suppressed:
      return "suppressed";
    case Disposition::deleted:
      return "deleted";
  }
  return "unknown";
}

}  // namespace mailweir
