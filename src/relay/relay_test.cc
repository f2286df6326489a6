// Accepting and delivering: a relay between a spool and a receiver, everything real but the disk.
#include "relay/relay.h"

#include <gmock/gmock.h>

#include "relay/relay_fixture.h"
#include "spool/test_messages.h"

namespace mailweir::relay::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

bool is_ready(const std::future<intake::AcceptResult>& answer) {
  return answer.wait_for(0s) == std::future_status::ready;
}

TEST_F(RelayTest, AMessageIsDeliveredAndLeavesTheSpool) {
  start();
  const MessageId id = accept("r@b.test", "Subject: one\r\n\r\nbody\r\n");
  const auto mail = receiver.wait_for(1);
  EXPECT_EQ(mail[0].sender, "s@a.test");
  EXPECT_THAT(mail[0].recipients, ElementsAre("r@b.test"));
  EXPECT_EQ(mail[0].content, "Subject: one\r\n\r\nbody\r\n");
  EXPECT_TRUE(spool.wait_until_gone(id));
}

TEST_F(RelayTest, NothingIsAcceptedOrSentBeforeTheCommit) {
  start();
  spool.shut();
  auto answer = submit(make_message("s@a.test", {"r@b.test"}));
  ASSERT_TRUE(spool.wait_for_commit_at_gate());
  settle();
  EXPECT_FALSE(is_ready(answer));
  EXPECT_EQ(process->recorder.totals().messages_accepted, 0U);
  spool.open();
  EXPECT_TRUE(std::holds_alternative<MessageId>(answer.get()));
  receiver.wait_for(1);
}

TEST_F(RelayTest, AFullDiskIsAnswered452AndNothingIsSent) {
  start();
  spool.memory.fail_commit(0, Errc::no_space);
  const Reply reply = refusal(make_message("s@a.test", {"refused@b.test"}));
  EXPECT_EQ(reply.code, 452);
  EXPECT_EQ(reply.enhanced, (EnhancedStatus{4, 3, 1}));
  accept("taken@b.test");
  receiver.wait_for(1);
  stop();
  EXPECT_EQ(receiver.recipients_asked("refused@b.test"), 0U);
  EXPECT_THAT(spool::testing::ids_in(spool.memory), IsEmpty());
}

TEST_F(RelayTest, AFailedDiskAcknowledgesNothingAndNothingIsSent) {
  start();
  spool.memory.fail_commit(0, Errc::io);
  const Reply reply = refusal(make_message("s@a.test", {"r@b.test"}));
  EXPECT_EQ(reply.code, 451);
  EXPECT_EQ(refusal(make_message("s@a.test", {"r@b.test"})).code, 451);
  crash();
  start();
  EXPECT_EQ(restored, 0U);
  stop();
  EXPECT_EQ(receiver.recipients_asked("r@b.test"), 0U);
}

TEST_F(RelayTest, AdmissionRefusesWhileTheDiskIsNearlyFull) {
  start();
  EXPECT_FALSE(process->relay->admission(1000));
  spool.memory.set_full(true);
  const auto refused = process->relay->admission(1000);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, 452);
  spool.memory.set_full(false);
  EXPECT_FALSE(process->relay->admission(1000));
}

TEST_F(RelayTest, AMessageLargerThanTheDiskIsRefusedAlone) {
  start();
  const auto refused = process->relay->admission(std::uint64_t{1} << 50);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, 452);
  EXPECT_FALSE(process->relay->admission(1000));
  settle();
  EXPECT_THAT(events(MessageId{}), IsEmpty()) << "the disk is not full";
}

TEST_F(RelayTest, ATemporaryRefusalIsRecordedAndTriedAgainWhenDue) {
  receiver.answer("r@b.test", {"451 4.7.1 come back later", "250 ok"});
  start();
  const UnixTime before = process->clock.wall_now();
  const MessageId id = accept("r@b.test");
  ASSERT_TRUE(spool.wait_until_gone(id));
  EXPECT_EQ(receiver.recipients_asked("r@b.test"), 2U);
  EXPECT_EQ(receiver.deliveries_to("r@b.test"), 1U);
  const auto states = states_recorded(id, 0);
  ASSERT_THAT(states, SizeIs(1));
  EXPECT_EQ(states[0].disposition, Disposition::deferred);
  EXPECT_EQ(states[0].attempts, 1U);
  EXPECT_EQ(states[0].reply_code, 451);
  EXPECT_EQ(states[0].reply_text, "4.7.1 come back later");
  EXPECT_GE(states[0].due, before + 50ms);
}

TEST_F(RelayTest, ADeferredMessageIsReadFromTheSpoolAgain) {
  receiver.answer("r@b.test", {"451 4.7.1 later", "250 ok"});
  options.cache_max = ByteCount{0};
  start();
  const MessageId id = accept("r@b.test", "Subject: from the disk\r\n\r\n");
  ASSERT_TRUE(spool.wait_until_gone(id));
  EXPECT_EQ(receiver.deliveries_of("from the disk"), 1U);
}

TEST_F(RelayTest, SettledRecipientsAreRecordedWhileOthersWait) {
  options.engine.retry.first = options.engine.retry.longest = 1h;
  receiver.answer("later@b.test", {"451 4.2.2 mailbox full"});
  start();
  const MessageId id = accept(make_message("s@a.test", {"first@b.test", "later@b.test"}));
  ASSERT_TRUE(spool.wait_for_state(
      id, 0, [](const auto& s) { return s.disposition == Disposition::delivered; }));
  ASSERT_TRUE(spool.wait_for_state(
      id, 1, [](const auto& s) { return s.disposition == Disposition::deferred; }));
  EXPECT_TRUE(spool.memory.read_message(id));
}

TEST_F(RelayTest, ContentThatCannotBeReadIsHeldNeverSentNeverDeleted) {
  options.engine.retry.first = options.engine.retry.longest = 1h;
  receiver.answer("r@b.test", {"451 4.7.1 later", "250 ok"});
  start();
  const MessageId id = accept("r@b.test");
  ASSERT_TRUE(spool.wait_for_state(
      id, 0, [](const auto& s) { return s.disposition == Disposition::deferred; }));
  spool.memory.flip_content_bit(id, 3);
  EXPECT_TRUE(retry_now(id));
  ASSERT_TRUE(spool.wait_for_state(
      id, 0, [](const auto& s) { return s.disposition == Disposition::held; }));
  stop();
  start();
  EXPECT_EQ(restored, 1U);
  settle();
  stop();
  EXPECT_THAT(receiver.mail(), IsEmpty());
  EXPECT_TRUE(spool.memory.read_message(id));
  EXPECT_THAT(events(id, "message.unreadable"), SizeIs(1));
  EXPECT_THAT(events(id, "disposition"), IsEmpty());
}

TEST_F(RelayTest, FieldsOfTheHeaderDecideAndAreNotSent) {
  start();
  const MessageId id = accept("r@b.test",
                              "X-Mailweir-Class: code\r\nX-Mailweir-Tenant: t17\r\n"
                              "X-Mailweir-Campaign: june\r\n"
                              "Subject: x\r\n\r\n");
  const auto mail = receiver.wait_for(1);
  EXPECT_EQ(mail[0].content, "Subject: x\r\n\r\n");
  const auto received = events(id, "message.received");
  ASSERT_THAT(received, SizeIs(1));
  EXPECT_EQ(received[0]["class"], "code");
  EXPECT_EQ(received[0]["tenant"], "t17");
  EXPECT_EQ(received[0]["campaign"], "june");
}

TEST_F(RelayTest, AnUnknownFieldIsAnswered550AndNothingIsStored) {
  start();
  const Reply reply = refusal(
      make_message("s@a.test", {"r@b.test"}, "X-Mailweir-Klass: code\r\nSubject: x\r\n\r\n"));
  EXPECT_EQ(reply.code, 550);
  EXPECT_THAT(reply.text, HasSubstr("5.6.0"));
  EXPECT_THAT(spool.commits(), IsEmpty());
}

TEST_F(RelayTest, NotBeforeIsKeptOverARestart) {
  start();
  const MessageId id = accept("r@b.test", "X-Mailweir-Not-Before: 1h\r\nSubject: x\r\n\r\n");
  stop();
  start();
  EXPECT_EQ(restored, 1U);
  const auto views =
      ask_engine([id](engine::Engine& engine, Instant now) { return engine.view(id, now); });
  ASSERT_THAT(views, SizeIs(1));
  EXPECT_EQ(views[0].reason, engine::WaitReason::not_before);
  stop();
  EXPECT_EQ(receiver.recipients_asked("r@b.test"), 0U);
}

TEST_F(RelayTest, ATraceTellsReceiptAttemptAndEnd) {
  receiver.answer("r@b.test", {"451 4.7.1 later", "250 ok"});
  start();
  const MessageId id = accept("r@b.test");
  ASSERT_TRUE(spool.wait_until_gone(id));
  std::vector<std::string> types;
  for (const auto& event : events(id)) types.push_back(event["type"]);
  EXPECT_THAT(types, ElementsAre("message.received", "attempt", "attempt", "disposition"));
  const auto attempts = events(id, "attempt");
  EXPECT_EQ(attempts[0]["outcome"], "deferred");
  EXPECT_THAT(attempts[0]["transcript"].get<std::string>(), HasSubstr("451 4.7.1 later"));
  EXPECT_TRUE(attempts[0].contains("next_due"));
  EXPECT_EQ(attempts[1]["outcome"], "delivered");
  EXPECT_EQ(events(id, "disposition")[0]["recipient"], "r@b.test");
}

TEST_F(RelayTest, EveryRecipientHasExactlyOneEnd) {
  receiver.answer("gone@b.test", {"550 5.1.1 unknown"});
  receiver.answer("later@b.test", {"451 4.2.2 full", "250 ok"});
  start();
  const std::vector<std::string> recipients{"one@b.test", "gone@b.test", "later@b.test",
                                            "two@c.test"};
  std::vector<MessageId> ids;
  for (int i = 0; i < 25; ++i) ids.push_back(accept(make_message("s@a.test", recipients)));
  ASSERT_TRUE(spool.wait_until_empty());
  for (const MessageId id : ids) {
    std::multiset<std::string> ended;
    for (const auto& event : events(id, "disposition")) ended.insert(event["recipient"]);
    EXPECT_EQ(ended, std::multiset<std::string>(recipients.begin(), recipients.end()));
  }
  const RecordedTotals totals =
      ask_engine([this](engine::Engine&, Instant) { return process->recorder.totals(); });
  EXPECT_EQ(totals.delivered + totals.bounced, totals.recipients_accepted);
  EXPECT_EQ(totals.bounced, 25U);
}

TEST_F(RelayTest, AReconfigurationAppliesToTheNextMessage) {
  start();
  EXPECT_EQ(refusal(make_message("s@a.test", {"r@b.test"}, "X-Mailweir-Class: new\r\n\r\n")).code,
            550);
  options.engine.classes.push_back({.name = "new"});
  options.policy.classes = options.engine.classes;
  process->relay->reconfigure(options);
  const MessageId id = accept("r@b.test", "X-Mailweir-Class: new\r\n\r\n");
  receiver.wait_for(1);
  EXPECT_EQ(events(id, "message.received").at(0)["class"], "new");
}

}  // namespace
}  // namespace mailweir::relay::testing
