#include "diagnosis/diagnosis.h"

namespace mailweir::diagnosis {

std::string_view to_string(Sign sign) {
  switch (sign) {
    case Sign::reached:
      return "reached";
    case Sign::timed_out:
      return "timed_out";
    case Sign::refused:
      return "refused";
    case Sign::unreachable:
      return "unreachable";
    case Sign::dropped:
      return "dropped";
    case Sign::tls_cut:
      return "tls_cut";
  }
  return "";
}

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::ip_blocked:
      return "ip_blocked";
    case Cause::provider_down:
      return "provider_down";
    case Cause::host_down:
      return "host_down";
    case Cause::egress_down:
      return "egress_down";
    case Cause::dns_trouble:
      return "dns_trouble";
  }
  return "";
}

}  // namespace mailweir::diagnosis
