// What an outcome means: the one policy table between a reply, or its absence, and what happens to
// the recipient, the session and the next hop. Nothing else decides between another attempt and a
// bounce.
//
//   recipient results                                    recipient        session   next hop
//   2yz                                                  deliver          keep      answers
//   4yz, any phase                                       defer            keep      answers
//   5yz to MAIL, RCPT, DATA, end of data                 bounce           keep      answers
//   452 or 552 to RCPT behind an accepted one (*)        requeue          keep      answers
//   421 to MAIL in a session that has worked             requeue          end       answers
//   421 elsewhere                                        defer            end       answers
//   nothing of the transaction was sent                  requeue          end       -
//   closed, reset, timeout, protocol error               defer            end       -
//   message_unreadable                                   hold             keep      -
//   message_too_large, needs_8bit_mime, needs_smtputf8   bounce           keep      -
//   cancelled                                            requeue          keep      -
//
// (*) RFC 5321 section 4.5.3.1.10: too many recipients; the rest go in another transaction.
//
//   sessions that could not be opened                    reserved         source / next hop
//   target_refused at every address                      bounce           -
//   source_unusable                                      requeue          source pauses
//   cancelled                                            requeue          -
//   everything else, a 5yz banner or EHLO included       defer            next hop unreachable
#pragma once

#include <span>

#include "engine/outcome.h"

namespace mailweir::engine {

enum class RecipientAction : std::uint8_t {
  deliver,
  defer,    // an attempt is counted, the retry schedule says when again
  requeue,  // no attempt is counted; at once, when there is a session
  bounce,
  hold,  // until an operator acts
};

enum class SessionEffect : std::uint8_t {
  keep,
  end,  // no more transactions in it
};

struct TransactionContext {
  bool sent = true;                 // some of the transaction reached the wire
  bool session_has_worked = false;  // an earlier transaction of the session was answered
  bool recipient_accepted = false;  // an earlier RCPT of the transaction was accepted
  bool shares_network = false;      // with all other sources that the message may leave from
  bool has_other_hosts = false;     // the next hop has more than the session's
  bool host_stands_out = false;     // held, or not verified since
  bool path_is_held = false;        // and this was its canary, or began before
};

struct Verdict {
  RecipientAction action = RecipientAction::defer;
  SessionEffect session = SessionEffect::keep;
  bool too_many_recipients = false;  // the next hop takes no more in one transaction
};

Verdict classify_recipient(const RecipientResult& result, const TransactionContext& context);

enum class OpeningEffect : std::uint8_t { none, source_pauses, next_hop_unreachable };

struct OpeningVerdict {
  RecipientAction action = RecipientAction::defer;  // for what was reserved
  OpeningEffect effect = OpeningEffect::none;
};

// `attempts` is not empty.
OpeningVerdict classify_opening(std::span<const ConnectAttempt> attempts);

// What becomes of recipients whose domain has no route: defer or bounce.
RecipientAction classify_route_failure(Failure failure);

}  // namespace mailweir::engine
