#include "relay/bounce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crc32c.h"

namespace mailweir::relay {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const UnixTime now{std::chrono::seconds(1'763'812'800)};
const BounceSettings settings{"mx.a.test", "postmaster@a.test", {.name = "notice", .expiry = 48h}};

delivery::QueuedMessage original(std::string_view sender, std::size_t recipients = 1) {
  delivery::QueuedMessage message;
  message.message.id = MessageId{7};
  if (!sender.empty()) message.message.envelope.reverse_path.mailbox = *Mailbox::parse(sender);
  for (std::size_t i = 0; i < recipients; ++i) {
    Recipient recipient;
    recipient.mailbox = Mailbox::from_parts("r" + std::to_string(i), "b.test");
    message.message.envelope.recipients.push_back(recipient);
  }
  message.message.received_at = now - 1h;
  message.content = std::make_shared<const std::string>("Subject: hello\r\n\r\nsecret body\r\n");
  return message;
}

engine::Settle bounced(std::uint16_t recipient, Reply reply) {
  engine::Settle settle;
  settle.message = MessageId{7};
  settle.recipient = recipient;
  settle.disposition = Disposition::bounced;
  settle.reply = std::move(reply);
  settle.host = "mx.b.test";
  return settle;
}

engine::Settle failed(engine::Failure failure, Disposition disposition = Disposition::bounced) {
  engine::Settle settle;
  settle.message = MessageId{7};
  settle.disposition = disposition;
  settle.failure = failure;
  return settle;
}

const Reply unknown_user{550, EnhancedStatus{5, 1, 1}, "5.1.1 unknown user"};

class BounceTest : public ::testing::Test {
 protected:
  std::shared_ptr<const delivery::QueuedMessage> compose(
      const delivery::QueuedMessage& message, const std::vector<engine::Settle>& settled) {
    return compose_bounce(settings, message, settled, now, [this] {
      ++ids_taken;
      return MessageId{99};
    });
  }

  int ids_taken = 0;
};

TEST_F(BounceTest, TellsWhenTheLastAttemptWas) {
  const auto dsn = compose(original("s@a.test"), {bounced(0, unknown_user)});
  ASSERT_TRUE(dsn);
  EXPECT_THAT(*dsn->content, HasSubstr("Last-Attempt-Date: " + to_rfc5322_date(now)));
  const auto expired = compose(original("s@a.test"),
                               {failed(engine::Failure::connect_timeout, Disposition::expired)});
  ASSERT_TRUE(expired);
  EXPECT_THAT(*expired->content, Not(HasSubstr("Last-Attempt-Date")));
}

TEST_F(BounceTest, ADsnIsReadyToBeAccepted) {
  const auto dsn = compose(original("s@a.test"), {bounced(0, unknown_user)});
  ASSERT_NE(dsn, nullptr);
  EXPECT_EQ(ids_taken, 1);
  const StoredMessage& stored = dsn->message;
  EXPECT_EQ(stored.id, MessageId{99});
  EXPECT_TRUE(stored.envelope.reverse_path.is_null());
  ASSERT_EQ(stored.envelope.recipients.size(), 1U);
  EXPECT_EQ(stored.envelope.recipients[0].mailbox.text(), "s@a.test");
  EXPECT_EQ(stored.message_class, "notice");
  EXPECT_EQ(stored.received_at, now);
  EXPECT_EQ(stored.expires_at, now + 48h);
  EXPECT_EQ(stored.body_size, dsn->content->size());
  EXPECT_EQ(stored.body_crc32c, crc32c(*dsn->content));
}

TEST_F(BounceTest, TheDsnSaysWhatTheServerSaidAndReturnsTheHeaderOnly) {
  const auto dsn = compose(original("s@a.test"), {bounced(0, unknown_user)});
  ASSERT_NE(dsn, nullptr);
  EXPECT_THAT(*dsn->content,
              AllOf(HasSubstr("Final-Recipient: rfc822; r0@b.test"), HasSubstr("Status: 5.1.1"),
                    HasSubstr("550 5.1.1 unknown user"), HasSubstr("Remote-MTA: dns; mx.b.test"),
                    HasSubstr("Subject: hello"), Not(HasSubstr("secret body"))));
}

TEST_F(BounceTest, OneDsnTellsOfAllFailedRecipients) {
  const auto dsn =
      compose(original("s@a.test", 3), {bounced(0, unknown_user), bounced(2, unknown_user)});
  ASSERT_NE(dsn, nullptr);
  EXPECT_THAT(*dsn->content, AllOf(HasSubstr("rfc822; r0@b.test"), HasSubstr("rfc822; r2@b.test"),
                                   Not(HasSubstr("r1@b.test"))));
}

TEST_F(BounceTest, AnExpiredRecipientHasStatus447) {
  const Reply busy{451, EnhancedStatus{4, 7, 1}, "4.7.1 busy"};
  engine::Settle settle = bounced(0, busy);
  settle.disposition = Disposition::expired;
  const auto with_reply = compose(original("s@a.test"), {settle});
  ASSERT_NE(with_reply, nullptr);
  EXPECT_THAT(*with_reply->content, AllOf(HasSubstr("Status: 4.4.7"), HasSubstr("451 4.7.1 busy")));
  const auto without = compose(original("s@a.test"),
                               {failed(engine::Failure::connect_timeout, Disposition::expired)});
  ASSERT_NE(without, nullptr);
  EXPECT_THAT(*without->content, HasSubstr("Status: 4.4.7"));
}

TEST_F(BounceTest, WhereNobodyRepliedTheStatusIsOurs) {
  for (const auto& [failure, status] :
       std::initializer_list<std::pair<engine::Failure, std::string>>{
           {engine::Failure::dns_no_such_domain, "5.1.2"},
           {engine::Failure::null_mx, "5.1.10"},
           {engine::Failure::target_refused, "5.4.6"},
           {engine::Failure::message_too_large, "5.3.4"},
           {engine::Failure::needs_8bit_mime, "5.6.1"},
           {engine::Failure::needs_smtputf8, "5.6.7"}}) {
    const auto dsn = compose(original("s@a.test"), {failed(failure)});
    ASSERT_NE(dsn, nullptr);
    EXPECT_THAT(*dsn->content, HasSubstr("Status: " + status + "\r\n"));
  }
}

TEST_F(BounceTest, ASuppressedRecipientIsNamedAsSuch) {
  const auto dsn =
      compose(original("s@a.test"), {failed(engine::Failure::none, Disposition::suppressed)});
  ASSERT_NE(dsn, nullptr);
  EXPECT_THAT(*dsn->content, AllOf(HasSubstr("Status: 5.7.1"), HasSubstr("suppression list")));
}

TEST_F(BounceTest, NotifyNeverIsHonouredForEachRecipient) {
  auto message = original("s@a.test", 2);
  message.message.envelope.recipients[0].notify = DsnNotify::never;
  EXPECT_EQ(compose(message, {bounced(0, unknown_user)}), nullptr);
  EXPECT_EQ(ids_taken, 0);
  const auto dsn = compose(message, {bounced(0, unknown_user), bounced(1, unknown_user)});
  ASSERT_NE(dsn, nullptr);
  EXPECT_THAT(*dsn->content, AllOf(HasSubstr("r1@b.test"), Not(HasSubstr("r0@b.test"))));
}

TEST_F(BounceTest, ADoubleBounceGoesToThePostmaster) {
  const auto dsn = compose(original(""), {bounced(0, unknown_user)});
  ASSERT_NE(dsn, nullptr);
  EXPECT_TRUE(dsn->message.envelope.reverse_path.is_null());
  ASSERT_EQ(dsn->message.envelope.recipients.size(), 1U);
  EXPECT_EQ(dsn->message.envelope.recipients[0].mailbox.text(), "postmaster@a.test");
}

TEST_F(BounceTest, ANoticeThatFailsToThePostmasterEndsSilently) {
  auto notice = original("");
  notice.message.envelope.recipients[0].mailbox = *Mailbox::parse("postmaster@a.test");
  EXPECT_EQ(compose(notice, {bounced(0, unknown_user)}), nullptr);
  EXPECT_EQ(ids_taken, 0);
}

TEST_F(BounceTest, AMessageWithoutReadableContentIsReportedAllTheSame) {
  auto message = original("s@a.test");
  message.content = nullptr;
  const auto dsn = compose(message, {bounced(0, unknown_user)});
  ASSERT_NE(dsn, nullptr);
  EXPECT_THAT(*dsn->content, HasSubstr("r0@b.test"));
}

}  // namespace
}  // namespace mailweir::relay
