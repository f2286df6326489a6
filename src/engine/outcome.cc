#include "engine/outcome.h"

#include "engine/notice.h"
#include "engine/path_hand.h"

namespace mailweir::engine {

std::string_view to_string(Failure failure) {
  switch (failure) {
    case Failure::none:
      return "none";
    case Failure::dns_temporary:
      return "dns_temporary";
    case Failure::dns_no_such_domain:
      return "dns_no_such_domain";
    case Failure::null_mx:
      return "null_mx";
    case Failure::target_refused:
      return "target_refused";
    case Failure::connect_timeout:
      return "connect_timeout";
    case Failure::connect_refused:
      return "connect_refused";
    case Failure::connect_reset:
      return "connect_reset";
    case Failure::network_unreachable:
      return "network_unreachable";
    case Failure::closed:
      return "closed";
    case Failure::reset:
      return "reset";
    case Failure::timeout:
      return "timeout";
    case Failure::tls_failed:
      return "tls_failed";
    case Failure::protocol_error:
      return "protocol_error";
    case Failure::source_unusable:
      return "source_unusable";
    case Failure::message_unreadable:
      return "message_unreadable";
    case Failure::message_too_large:
      return "message_too_large";
    case Failure::needs_8bit_mime:
      return "needs_8bit_mime";
    case Failure::needs_smtputf8:
      return "needs_smtputf8";
    case Failure::cancelled:
      return "cancelled";
  }
  return "unknown";
}

std::string_view to_string(Notice::Kind kind) {
  switch (kind) {
    case Notice::Kind::throttle_detected:
      return "throttle.detected";
    case Notice::Kind::step:
      return "step";
    case Notice::Kind::step_judged:
      return "step.judged";
    case Notice::Kind::probe:
      return "probe";
    case Notice::Kind::recovered:
      return "recovered";
    case Notice::Kind::drained:
      return "drained";
    case Notice::Kind::diagnosed:
      return "diagnosed";
    case Notice::Kind::cleared:
      return "cleared";
    case Notice::Kind::unknown_refusal:
      return "unknown_refusal";
  }
  return "step";
}

std::string_view to_string(Notice::Verdict verdict) {
  switch (verdict) {
    case Notice::Verdict::none:
      return "none";
    case Notice::Verdict::better:
      return "better";
    case Notice::Verdict::same:
      return "same";
    case Notice::Verdict::worse:
      return "worse";
  }
  return "none";
}

std::string_view to_string(PathHand::Action action) {
  switch (action) {
    case PathHand::Action::pause:
      return "pause";
    case PathHand::Action::cap:
      return "cap";
    case PathHand::Action::forget:
      return "forget";
  }
  return "cap";
}

}  // namespace mailweir::engine
