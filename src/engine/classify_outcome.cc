#include "engine/classify_outcome.h"

#include <algorithm>

#include "base/assert.h"

namespace mailweir::engine {
namespace {

Verdict classify_reply(const RecipientResult& result, const TransactionContext& context) {
  const Reply& reply = result.reply;
  if (reply.code == 421) {
    const bool used_up = result.phase == Phase::mail && context.session_has_worked;
    return {used_up ? RecipientAction::requeue : RecipientAction::defer, SessionEffect::end};
  }
  if (result.phase == Phase::rcpt && says_too_many_recipients(reply)) {
    if (context.recipient_accepted) return {RecipientAction::requeue, SessionEffect::keep, true};
    return {RecipientAction::defer};  // not even one: a trouble of its own, such as a full disk
  }
  if (reply.is_positive()) return {RecipientAction::deliver};
  if (reply.is_permanent()) {
    const bool about_mail = result.phase == Phase::mail || result.phase == Phase::rcpt ||
                            result.phase == Phase::data || result.phase == Phase::end_of_data;
    return {about_mail ? RecipientAction::bounce : RecipientAction::defer};
  }
  return {RecipientAction::defer};
}

}  // namespace

Verdict classify_recipient(const RecipientResult& result, const TransactionContext& context) {
  switch (result.failure) {
    case Failure::none:
      return classify_reply(result, context);
    case Failure::message_unreadable:
      return {RecipientAction::hold};
    case Failure::message_too_large:
    case Failure::needs_8bit_mime:
    case Failure::needs_smtputf8:
    case Failure::null_mx:
    case Failure::dns_no_such_domain:
    case Failure::target_refused:
      return {RecipientAction::bounce};
    case Failure::cancelled:
      return {RecipientAction::requeue};
    case Failure::dns_temporary:
    case Failure::connect_timeout:
    case Failure::connect_refused:
    case Failure::connect_reset:
    case Failure::network_unreachable:
    case Failure::closed:
    case Failure::reset:
    case Failure::timeout:
    case Failure::tls_failed:
    case Failure::protocol_error:
    case Failure::source_unusable:
      return {context.sent ? RecipientAction::defer : RecipientAction::requeue, SessionEffect::end};
  }
  return {};
}

OpeningVerdict classify_opening(std::span<const ConnectAttempt> attempts) {
  WEIR_ASSERT(!attempts.empty());
  const auto all = [&](Failure failure) {
    return std::all_of(attempts.begin(), attempts.end(),
                       [&](const ConnectAttempt& a) { return a.failure == failure; });
  };
  if (attempts.back().failure == Failure::cancelled)
    return {RecipientAction::requeue, OpeningEffect::none};
  if (all(Failure::target_refused)) return {RecipientAction::bounce, OpeningEffect::none};
  if (all(Failure::source_unusable))
    return {RecipientAction::requeue, OpeningEffect::source_pauses};
  return {RecipientAction::defer, OpeningEffect::next_hop_unreachable};
}

RecipientAction classify_route_failure(Failure failure) {
  switch (failure) {
    case Failure::dns_no_such_domain:
    case Failure::null_mx:
    case Failure::target_refused:
      return RecipientAction::bounce;
    case Failure::cancelled:
      return RecipientAction::requeue;
    case Failure::none:
    case Failure::dns_temporary:
    case Failure::connect_timeout:
    case Failure::connect_refused:
    case Failure::connect_reset:
    case Failure::network_unreachable:
    case Failure::closed:
    case Failure::reset:
    case Failure::timeout:
    case Failure::tls_failed:
    case Failure::protocol_error:
    case Failure::source_unusable:
    case Failure::message_unreadable:
    case Failure::message_too_large:
    case Failure::needs_8bit_mime:
    case Failure::needs_smtputf8:
      return RecipientAction::defer;
  }
  return RecipientAction::defer;
}

}  // namespace mailweir::engine
