// What a process leaves to the next one: after a stop, and after a crash at any commit.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>
#include <thread>

#include "relay/relay_fixture.h"
#include "spool/test_messages.h"

namespace mailweir::relay::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;
using ::testing::SizeIs;

bool is_deferred(const RecipientState& state) {
  return state.disposition == Disposition::deferred;
}
bool is_delivered(const RecipientState& state) {
  return state.disposition == Disposition::delivered;
}

TEST_F(RelayTest, RecordedRecipientsAreNotSentAgainAfterACrash) {
  options.engine.retry.first = options.engine.retry.longest = 1h;
  receiver.answer("later@b.test", {"451 4.2.2 mailbox full", "250 ok"});
  start();
  const MessageId id = accept(make_message("s@a.test", {"first@b.test", "later@b.test"}));
  ASSERT_TRUE(spool.wait_for_state(id, 0, is_delivered));
  ASSERT_TRUE(spool.wait_for_state(id, 1, is_deferred));
  crash();
  start();
  EXPECT_EQ(restored, 1U);
  EXPECT_TRUE(retry_now(id));
  ASSERT_TRUE(spool.wait_until_gone(id));
  EXPECT_EQ(receiver.deliveries_to("first@b.test"), 1U);
  EXPECT_EQ(receiver.deliveries_to("later@b.test"), 1U);
  EXPECT_EQ(receiver.recipients_asked("first@b.test"), 1U);
  EXPECT_THAT(events(id, "disposition"), SizeIs(2));
}

TEST_F(RelayTest, ADeferredRecipientKeepsItsAttemptsAndItsDueTime) {
  options.engine.retry = {.first = 10min, .factor = 2.0, .longest = 1h, .jitter = 0.0};
  receiver.answer("r@b.test", {"451 4.2.2 mailbox full"});
  start();
  const MessageId id = accept("r@b.test");
  ASSERT_TRUE(spool.wait_for_state(id, 0, is_deferred));
  crash();
  start();
  const auto [views, now] = ask_engine(
      [id](engine::Engine& engine, Instant at) { return std::pair(engine.view(id, at), at); });
  ASSERT_THAT(views, SizeIs(1));
  EXPECT_EQ(views[0].attempts, 1U);
  EXPECT_EQ(views[0].reply_code, 451);
  EXPECT_EQ(views[0].reason, engine::WaitReason::retry);
  EXPECT_GT(views[0].until, now);
  EXPECT_LE(views[0].until, now + 10min);
}

TEST_F(RelayTest, HoldAndReleaseKeepTheLastReply) {
  options.engine.retry.first = options.engine.retry.longest = 1h;
  receiver.answer("r@b.test", {"451 4.7.1 Try again later", "451 4.7.1 Try again later"});
  start();
  const MessageId id = accept("r@b.test");
  ASSERT_TRUE(spool.wait_for_state(id, 0, is_deferred));
  const auto is_held = [](const RecipientState& state) {
    return state.disposition == Disposition::held;
  };
  EXPECT_TRUE(
      ask_engine([id](engine::Engine& engine, Instant now) { return engine.hold(id, now); }));
  ASSERT_TRUE(spool.wait_for_state(id, 0, is_held));
  stop();
  const auto state = spool.memory.read_state(id, 0);
  ASSERT_TRUE(state && *state);
  EXPECT_EQ((*state)->reply_code, 451);
  EXPECT_EQ((*state)->reply_text, "4.7.1 Try again later");
  // A hold is no attempt: the one there was tells the reply.
  ASSERT_THAT(events(id, "attempt"), SizeIs(1));
  EXPECT_EQ(events(id, "attempt")[0]["reply"]["text"], "4.7.1 Try again later");
}

TEST_F(RelayTest, ADueTimeInTheFarFutureIsClampedToTheLongestWait) {
  options.engine.retry = {.first = 10min, .factor = 2.0, .longest = 1h, .jitter = 0.0};
  auto batch = spool::testing::accept(1);
  StoredMessage& message = batch.accepted[0].message;
  message.received_at = runtime::SystemClock().wall_now();
  message.expires_at = message.received_at + std::chrono::days(40);
  RecipientState far = spool::testing::make_state(3);
  far.due = message.received_at + std::chrono::days(30);
  batch.updates.push_back({MessageId{1}, 0, far});
  batch.updates.push_back({MessageId{1}, 1, far});
  ASSERT_TRUE(spool.commit(batch));
  start();
  EXPECT_EQ(restored, 1U);
  const auto [views, now] = ask_engine([](engine::Engine& engine, Instant at) {
    return std::pair(engine.view(MessageId{1}, at), at);
  });
  ASSERT_THAT(views, SizeIs(2));
  for (const auto& view : views) {
    EXPECT_EQ(view.attempts, 3U);
    EXPECT_LE(view.until, now + 1h);
    EXPECT_GT(view.until, now);
  }
}

TEST_F(RelayTest, ARecordThatCannotBeReadStaysAndTheOthersAreRestored) {
  options.engine.retry.first = options.engine.retry.longest = 1h;
  receiver.answer("bad@b.test", {"451 4.7.1 later"});
  receiver.answer("good@b.test", {"451 4.7.1 later", "250 ok"});
  start();
  const MessageId bad = accept("bad@b.test");
  const MessageId good = accept("good@b.test");
  ASSERT_TRUE(spool.wait_for_state(bad, 0, is_deferred));
  ASSERT_TRUE(spool.wait_for_state(good, 0, is_deferred));
  stop();
  spool.memory.flip_record_bit(bad, 7);
  start();
  EXPECT_EQ(restored, 1U);
  EXPECT_EQ(corrupt, 1U);
  EXPECT_TRUE(retry_now(good));
  ASSERT_TRUE(spool.wait_until_gone(good));
  stop();
  EXPECT_EQ(receiver.recipients_asked("bad@b.test"), 1U);
  EXPECT_EQ(spool.memory.read_message(bad).error().code, Errc::corrupt);
  EXPECT_THAT(events(bad, "message.unreadable"), SizeIs(1));
}

TEST_F(RelayTest, MailAcceptedBeforeTheRestoreIsNotRestored) {
  receiver.hold();
  begin();
  const MessageId id = accept("r@b.test");
  receiver.wait_for_held(1);
  restore();
  EXPECT_EQ(restored, 0U);
  receiver.release();
  ASSERT_TRUE(spool.wait_until_gone(id));
  stop();
  EXPECT_EQ(receiver.recipients_asked("r@b.test"), 1U);
}

TEST_F(RelayTest, ARecordedEndWhoseRemovalWasLostIsRemovedAndNotSent) {
  auto batch = spool::testing::accept(1);
  batch.updates.push_back({MessageId{1}, 0, {.disposition = Disposition::delivered}});
  batch.updates.push_back({MessageId{1}, 1, {.disposition = Disposition::bounced}});
  ASSERT_TRUE(spool.commit(batch));
  start();
  ASSERT_TRUE(spool.wait_until_gone(MessageId{1}));
  stop();
  EXPECT_THAT(events(MessageId{1}), IsEmpty());
}

TEST_F(RelayTest, StopLetsTransactionsFinishAndNothingIsSentTwice) {
  receiver.hold();
  start();
  const MessageId id = accept("r@b.test");
  receiver.wait_for_held(1);
  std::jthread releaser([this] {
    while (!process->relay->admission(0)) std::this_thread::yield();  // until stop() has begun
    receiver.release();
  });
  process->relay->stop(20s);
  releaser.join();
  process.reset();
  EXPECT_FALSE(spool.memory.read_message(id)) << "the end was not recorded";
  start();
  EXPECT_EQ(restored, 0U);
  stop();
  EXPECT_EQ(receiver.deliveries_to("r@b.test"), 1U);
}

TEST_F(RelayTest, AStopWithoutGraceKeepsWhatWasUnderWay) {
  receiver.hold();
  start();
  const MessageId id = accept("r@b.test");
  receiver.wait_for_held(1);
  stop(0ms);
  EXPECT_TRUE(spool.memory.read_message(id));
  EXPECT_THAT(states_recorded(id, 0), IsEmpty()) << "our own stop uses no attempt";
  start();
  EXPECT_EQ(restored, 1U);
  receiver.release();
  ASSERT_TRUE(spool.wait_until_gone(id));
}

TEST_F(RelayTest, AStoppingRelayTakesNoMail) {
  start();
  process->relay->stop(10s);
  const auto refused = process->relay->admission(0);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, 421);
  process.reset();
}

// One process accepts up to thirty messages and dies after some commit; the next one delivers what
// is left. Every fifth message has a recipient that does not exist.
class CrashSweep : public RelayTest, public ::testing::WithParamInterface<std::uint64_t> {
 protected:
  static std::string subject(std::size_t n) {
    return "Subject: number " + std::to_string(n) + ".\r\n";
  }

  // The messages that were acknowledged, with their numbers.
  std::vector<std::pair<MessageId, std::size_t>> accept_until_dead() {
    std::vector<std::pair<MessageId, std::size_t>> accepted;
    for (std::size_t n = 0; n < 30; ++n) {
      const std::string recipient = n % 5 == 0 ? "gone@b.test" : "r@b.test";
      const auto answer =
          submit(make_message("s@a.test", {recipient}, subject(n) + "\r\nbody\r\n")).get();
      const auto* id = std::get_if<MessageId>(&answer);
      if (id == nullptr) break;
      accepted.emplace_back(*id, n);
    }
    return accepted;
  }
  std::set<MessageId> removed_so_far() const {
    std::set<MessageId> removed;
    for (const spool::CommitBatch& batch : spool.commits()) {
      for (const spool::Removal& removal : batch.removals) removed.insert(removal.id);
    }
    return removed;
  }
};

TEST_P(CrashSweep, NothingIsLostAndNothingRecordedIsSentTwice) {
  receiver.answer("gone@b.test", {"550 5.1.1 no such user"});
  start();
  spool.cut_after(GetParam());
  const auto accepted = accept_until_dead();
  ASSERT_TRUE(spool.wait_until_cut());
  crash();
  const std::set<MessageId> removed = removed_so_far();
  start();
  ASSERT_TRUE(spool.wait_until_empty());
  stop();
  for (const auto& [id, n] : accepted) {
    const std::size_t deliveries = receiver.deliveries_of(subject(n));
    EXPECT_GE(deliveries, 1U) << "number " << n << " is lost";
    if (removed.contains(id) && n % 5 != 0) {
      EXPECT_EQ(deliveries, 1U) << "number " << n;
    }
    if (n % 5 == 0) {
      EXPECT_THAT(accepted_with_removal_of(id), ::testing::Not(IsEmpty()));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AfterCommit, CrashSweep, ::testing::Values(0, 1, 2, 3, 5, 8, 13, 21, 30));

}  // namespace
}  // namespace mailweir::relay::testing
