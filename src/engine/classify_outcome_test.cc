#include "engine/classify_outcome.h"

#include <gtest/gtest.h>

#include "engine/test_world.h"

namespace mailweir::engine {

void PrintTo(const Verdict& verdict, std::ostream* out) {
  *out << "action " << static_cast<int>(verdict.action) << " session "
       << static_cast<int>(verdict.session);
}

namespace {

using enum RecipientAction;

RecipientResult replied(Phase phase, std::uint16_t code, std::string text = {}) {
  return {0, phase, Failure::none, reply_of(code, std::move(text))};
}
RecipientResult failed(Phase phase, Failure failure) {
  return {0, phase, failure, {}};
}

constexpr TransactionContext plain;
constexpr TransactionContext worked{
    .sent = true, .session_has_worked = true, .recipient_accepted = false};
constexpr TransactionContext accepted{
    .sent = true, .session_has_worked = true, .recipient_accepted = true};
constexpr TransactionContext unsent{
    .sent = false, .session_has_worked = false, .recipient_accepted = false};

struct Row {
  RecipientResult result;
  TransactionContext context;
  RecipientAction action;
  SessionEffect session = SessionEffect::keep;
  bool too_many = false;
};

TEST(ClassifyRecipient, FollowsThePolicyTable) {
  constexpr auto end = SessionEffect::end;
  const Row rows[] = {
      {replied(Phase::end_of_data, 250), plain, deliver},
      {replied(Phase::end_of_data, 252), plain, deliver},
      {replied(Phase::mail, 451), plain, defer},
      {replied(Phase::rcpt, 450, "4.2.0 greylisted"), plain, defer},
      {replied(Phase::data, 451), plain, defer},
      {replied(Phase::end_of_data, 452), plain, defer},
      {replied(Phase::mail, 553), plain, bounce},
      {replied(Phase::rcpt, 550, "5.1.1 unknown"), plain, bounce},
      {replied(Phase::data, 554), plain, bounce},
      {replied(Phase::end_of_data, 550), plain, bounce},
      {replied(Phase::end_of_data, 552, "5.3.4 too big"), accepted, bounce},
      {replied(Phase::mail, 552, "5.3.4 too big"), plain, bounce},
      {replied(Phase::data, 354), plain, defer},  // an intermediate reply decides nothing
      // too many recipients
      {replied(Phase::rcpt, 452, "4.5.3 too many"), accepted, requeue, SessionEffect::keep, true},
      {replied(Phase::rcpt, 552), accepted, requeue, SessionEffect::keep, true},
      {replied(Phase::rcpt, 452), accepted, requeue, SessionEffect::keep, true},
      {replied(Phase::rcpt, 452, "4.2.2 mailbox full"), accepted, defer},
      {replied(Phase::rcpt, 452, "4.5.3 too many"), worked, defer},
      {replied(Phase::rcpt, 552), plain, defer},
      {replied(Phase::rcpt, 552, "5.5.3 too many"), accepted, requeue, SessionEffect::keep, true},
      {replied(Phase::rcpt, 552, "5.2.2 mailbox full"), accepted, bounce},
      {replied(Phase::rcpt, 552, "5.2.2 mailbox full"), plain, bounce},
      // 421 ends the session, not the message
      {replied(Phase::mail, 421), worked, requeue, end},
      {replied(Phase::mail, 421), plain, defer, end},
      {replied(Phase::rcpt, 421), worked, defer, end},
      {replied(Phase::end_of_data, 421, "4.7.28 unusual rate"), worked, defer, end},
      // silence
      {failed(Phase::mail, Failure::closed), plain, defer, end},
      {failed(Phase::end_of_data, Failure::timeout), plain, defer, end},
      {failed(Phase::rcpt, Failure::reset), plain, defer, end},
      {failed(Phase::data, Failure::protocol_error), plain, defer, end},
      {failed(Phase::idle, Failure::closed), unsent, requeue, end},
      {failed(Phase::idle, Failure::reset), unsent, requeue, end},
      // ours
      {failed(Phase::idle, Failure::cancelled), plain, requeue},
      {failed(Phase::mail, Failure::message_unreadable), plain, hold},
      {failed(Phase::mail, Failure::message_too_large), plain, bounce},
      {failed(Phase::mail, Failure::needs_8bit_mime), plain, bounce},
      {failed(Phase::mail, Failure::needs_smtputf8), plain, bounce},
  };
  for (const Row& row : rows) {
    const Verdict verdict = classify_recipient(row.result, row.context);
    const std::string what = std::string(to_string(row.result.phase)) + " " +
                             std::to_string(row.result.reply.code) + " " + row.result.reply.text +
                             " " + std::string(to_string(row.result.failure));
    EXPECT_EQ(verdict.action, row.action) << what;
    EXPECT_EQ(verdict.session, row.session) << what;
    EXPECT_EQ(verdict.too_many_recipients, row.too_many) << what;
  }
}

ConnectAttempt attempt(Failure failure, Phase phase = Phase::connect, std::uint16_t code = 0) {
  ConnectAttempt result;
  result.phase = phase;
  result.failure = failure;
  result.reply.code = code;
  return result;
}

TEST(ClassifyOpening, NoAnswerAtTheDoorEverBounces) {
  constexpr Failure silence[] = {Failure::connect_timeout,
                                 Failure::connect_refused,
                                 Failure::connect_reset,
                                 Failure::network_unreachable,
                                 Failure::closed,
                                 Failure::reset,
                                 Failure::timeout,
                                 Failure::tls_failed,
                                 Failure::protocol_error,
                                 Failure::dns_temporary,
                                 Failure::dns_no_such_domain};
  for (const Failure failure : silence) {
    const ConnectAttempt attempts[] = {attempt(failure)};
    EXPECT_EQ(classify_opening(attempts).action, defer) << to_string(failure);
    EXPECT_EQ(classify_opening(attempts).effect, OpeningEffect::next_hop_unreachable)
        << to_string(failure);
  }
  for (const Phase phase : {Phase::banner, Phase::ehlo, Phase::starttls}) {
    for (const std::uint16_t code : {std::uint16_t{421}, std::uint16_t{550}, std::uint16_t{554}}) {
      const ConnectAttempt attempts[] = {attempt(Failure::none, phase, code)};
      EXPECT_EQ(classify_opening(attempts).action, defer);
      EXPECT_EQ(classify_opening(attempts).effect, OpeningEffect::next_hop_unreachable);
    }
  }
}

TEST(ClassifyOpening, OnlyAllAddressesForbiddenBounces) {
  const ConnectAttempt all[] = {attempt(Failure::target_refused), attempt(Failure::target_refused)};
  EXPECT_EQ(classify_opening(all).action, bounce);
  const ConnectAttempt some[] = {attempt(Failure::connect_timeout),
                                 attempt(Failure::target_refused)};
  EXPECT_EQ(classify_opening(some).action, defer);
}

TEST(ClassifyOpening, OurOwnTroubleIsNoAttempt) {
  const ConnectAttempt source[] = {attempt(Failure::source_unusable)};
  EXPECT_EQ(classify_opening(source).action, requeue);
  EXPECT_EQ(classify_opening(source).effect, OpeningEffect::source_pauses);
  const ConnectAttempt stopping[] = {attempt(Failure::connect_timeout),
                                     attempt(Failure::cancelled)};
  EXPECT_EQ(classify_opening(stopping).action, requeue);
  EXPECT_EQ(classify_opening(stopping).effect, OpeningEffect::none);
}

TEST(ClassifyRoute, OnlyAnswersThatSayNoBounce) {
  EXPECT_EQ(classify_route_failure(Failure::dns_no_such_domain), bounce);
  EXPECT_EQ(classify_route_failure(Failure::null_mx), bounce);
  EXPECT_EQ(classify_route_failure(Failure::dns_temporary), defer);
  EXPECT_EQ(classify_route_failure(Failure::timeout), defer);
  EXPECT_EQ(classify_route_failure(Failure::cancelled), requeue);
}

}  // namespace
}  // namespace mailweir::engine
