// What senders are told of recipients that failed, and how that survives.
#include <gmock/gmock.h>

#include "relay/relay_fixture.h"
#include "spool/test_messages.h"

namespace mailweir::relay::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::shared_ptr<const SuppressionList> suppression(std::string_view text) {
  return std::make_shared<const SuppressionList>(SuppressionList::parse(text, "list").value());
}

TEST_F(RelayTest, ADsnIsAcceptedInTheCommitThatRemovesTheMessage) {
  receiver.answer("gone@b.test", {"550 5.1.1 no such user"});
  start();
  const MessageId id = accept("gone@b.test");
  const auto mail = receiver.wait_for(1);
  EXPECT_EQ(mail[0].sender, "");
  EXPECT_THAT(mail[0].recipients, ElementsAre("s@a.test"));
  EXPECT_THAT(mail[0].content, AllOf(HasSubstr("Status: 5.1.1"), HasSubstr("rfc822; gone@b.test")));
  ASSERT_TRUE(spool.wait_until_empty());
  const auto accepted = accepted_with_removal_of(id);
  ASSERT_THAT(accepted, SizeIs(1));
  EXPECT_EQ(accepted[0].envelope.recipients[0].mailbox.text(), "s@a.test");
  EXPECT_EQ(events(id, "dsn.sent").at(0)["dsn"], to_string(accepted[0].id));
  EXPECT_EQ(events(id, "disposition").at(0)["disposition"], "bounced");
}

TEST_F(RelayTest, OneDsnTellsOfAllThatFailedTogether) {
  receiver.answer("gone@b.test", {"550 5.1.1 no such user"});
  receiver.answer("left@b.test", {"551 5.1.6 moved"});
  start();
  accept(make_message("s@a.test", {"gone@b.test", "here@b.test", "left@b.test"}));
  ASSERT_TRUE(spool.wait_until_empty());
  const auto mail = receiver.mail();
  ASSERT_THAT(mail, SizeIs(2));
  EXPECT_EQ(receiver.deliveries_to("here@b.test"), 1U);
  EXPECT_EQ(receiver.deliveries_to("s@a.test"), 1U);
  EXPECT_EQ(receiver.deliveries_of("rfc822; gone@b.test"), 1U);
  EXPECT_EQ(receiver.deliveries_of("rfc822; left@b.test"), 1U);
}

TEST_F(RelayTest, ADoubleBounceGoesToThePostmasterOnce) {
  receiver.answer("gone@b.test", {"550 5.1.1 no such user"});
  receiver.answer("s@a.test", {"550 5.1.1 no such sender"});
  start();
  accept("gone@b.test");
  ASSERT_TRUE(spool.wait_until_empty());
  const auto mail = receiver.mail();
  ASSERT_THAT(mail, SizeIs(1));
  EXPECT_EQ(mail[0].sender, "");
  EXPECT_THAT(mail[0].recipients, ElementsAre("postmaster@out.test"));
  EXPECT_EQ(receiver.recipients_asked("s@a.test"), 1U);
}

TEST_F(RelayTest, ANoticeThatFailsToThePostmasterEndsSilently) {
  receiver.answer("gone@b.test", {"550 5.1.1 no such user"});
  receiver.answer("s@a.test", {"550 5.1.1 no such sender"});
  receiver.answer("postmaster@out.test", {"550 5.1.1 no such postmaster"});
  start();
  accept("gone@b.test");
  ASSERT_TRUE(spool.wait_until_empty());
  EXPECT_EQ(receiver.recipients_asked("postmaster@out.test"), 1U);
  EXPECT_THAT(receiver.mail(), IsEmpty());
}

TEST_F(RelayTest, NotifyNeverIsHonoured) {
  receiver.answer("gone@b.test", {"550 5.1.1 no such user"});
  start();
  auto message = make_message("s@a.test", {"gone@b.test"});
  message.envelope.recipients[0].notify = DsnNotify::never;
  const MessageId id = accept(std::move(message));
  ASSERT_TRUE(spool.wait_until_gone(id));
  EXPECT_THAT(accepted_with_removal_of(id), IsEmpty());
  EXPECT_THAT(events(id, "disposition"), SizeIs(1));
  stop();
  EXPECT_THAT(receiver.mail(), IsEmpty());
}

TEST_F(RelayTest, WhatExpiresIsReportedAs447) {
  options.engine.retry.first = options.engine.retry.longest = 1h;
  receiver.answer("r@b.test", {"451 4.7.1 not now"});
  start();
  const MessageId id = accept("r@b.test", "X-Mailweir-Expires: 200ms\r\nSubject: x\r\n\r\n");
  const auto mail = receiver.wait_for(1);
  EXPECT_THAT(mail[0].recipients, ElementsAre("s@a.test"));
  EXPECT_THAT(mail[0].content, HasSubstr("Status: 4.4.7"));
  EXPECT_EQ(events(id, "disposition").at(0)["disposition"], "expired");
  ASSERT_TRUE(spool.wait_until_empty());
}

TEST_F(RelayTest, ADomainThatDoesNotExistIsReportedAs512) {
  start();
  const MessageId id = accept("r@nowhere.example");
  const auto mail = receiver.wait_for(1);
  EXPECT_THAT(mail[0].content, HasSubstr("Status: 5.1.2"));
  EXPECT_THAT(events(id, "disposition"), SizeIs(1));
}

TEST_F(RelayTest, ANullMxIsReportedAs5110) {
  start();
  accept("r@null.example");
  EXPECT_THAT(receiver.wait_for(1)[0].content, HasSubstr("Status: 5.1.10"));
}

TEST_F(RelayTest, ASuppressedRecipientIsNotAskedForAndTheSenderIsTold) {
  options.policy.suppression = suppression("blocked@b.test");
  start();
  const MessageId id = accept(make_message("s@a.test", {"blocked@b.test", "free@b.test"}));
  ASSERT_TRUE(spool.wait_until_empty());
  EXPECT_EQ(receiver.recipients_asked("blocked@b.test"), 0U);
  EXPECT_EQ(receiver.deliveries_to("free@b.test"), 1U);
  EXPECT_EQ(receiver.deliveries_of("Status: 5.7.1"), 1U);
  std::map<std::string, std::string> ends;
  for (const auto& event : events(id, "disposition"))
    ends[event["recipient"]] = event["disposition"];
  EXPECT_EQ(ends["blocked@b.test"], "suppressed");
  EXPECT_EQ(ends["free@b.test"], "delivered");
}

TEST_F(RelayTest, AMessageToSuppressedRecipientsOnlyLeavesWithADsn) {
  options.policy.suppression = suppression("@b.test");
  start();
  const MessageId id = accept(make_message("s@a.test", {"one@b.test", "two@b.test"}));
  ASSERT_TRUE(spool.wait_until_empty());
  EXPECT_EQ(receiver.deliveries_to("s@a.test"), 1U);
  EXPECT_THAT(events(id, "disposition"), SizeIs(2));
}

TEST_F(RelayTest, TheDsnOfASuppressedRecipientSurvivesACrash) {
  options.policy.suppression = suppression("@b.test");
  start();
  spool.cut_after(1);  // the acceptance, and nothing after it
  accept(make_message("s@a.test", {"one@b.test"}));
  ASSERT_TRUE(spool.wait_until_cut());
  crash();
  start();
  ASSERT_TRUE(spool.wait_until_empty());
  EXPECT_EQ(receiver.recipients_asked("one@b.test"), 0U);
  EXPECT_EQ(receiver.deliveries_to("s@a.test"), 1U);
}

TEST_F(RelayTest, ADsnThatFindsNoRoomKeepsTheOriginalUntilItDoes) {
  options.dsn_retry = 1ms;
  receiver.answer("gone@b.test", {"550 5.1.1 no such user"});
  start();
  spool.memory.fail_commit(1, Errc::no_space);  // the acceptance goes through
  const MessageId id = accept("gone@b.test");
  ASSERT_TRUE(spool.wait_until_empty());
  EXPECT_EQ(spool.refused(), 1U);
  EXPECT_EQ(receiver.deliveries_to("s@a.test"), 1U);
  EXPECT_THAT(accepted_with_removal_of(id), SizeIs(1));
  EXPECT_THAT(events(id, "disposition"), SizeIs(1));
}

TEST_F(RelayTest, ADsnThatWaitsForRoomDoesNotKeepTheProcessAndIsNotLost) {
  options.dsn_retry = 1h;
  receiver.answer("gone@b.test", {"550 5.1.1 no such user"});
  start();
  spool.memory.fail_commit(1, Errc::no_space);
  const MessageId id = accept("gone@b.test");
  ASSERT_TRUE(spool.wait_until_refused(1));
  stop();
  EXPECT_TRUE(spool.memory.read_message(id));
  start();
  ASSERT_TRUE(spool.wait_until_empty());
  EXPECT_EQ(receiver.deliveries_to("s@a.test"), 1U);
}

}  // namespace
}  // namespace mailweir::relay::testing
