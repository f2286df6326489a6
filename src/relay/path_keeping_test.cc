// What one process leaves to the next about its paths, and the operators' hands on them.
#include <gmock/gmock.h>

#include "relay/path_keeping_fixture.h"

namespace mailweir::relay::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(PathKeeping, APathThatWasHeldComesBackHeldBeforeAnyMessageIsTakenIn) {
  start();
  hold_path();
  crash();
  begin();
  const MessageId id = accept("new@b.test");
  EXPECT_TRUE(is_held());
  EXPECT_EQ(reason_of(id), engine::WaitReason::path_held);
  restore();
  EXPECT_TRUE(is_held());
}

TEST_F(PathKeeping, WhatHappensToAPathIsInTheLogAndInTheMetrics) {
  start();
  hold_path();
  const auto detected = events_of("throttle.detected");
  ASSERT_THAT(detected, SizeIs(1));
  EXPECT_EQ(detected[0]["source"], "one");
  EXPECT_EQ(detected[0]["provider"], provider());
  EXPECT_EQ(detected[0]["reply"]["code"], 451);
  EXPECT_EQ(detected[0]["paths_held"], 1);
  EXPECT_THAT(events_of("step"), SizeIs(1));
  const auto views =
      ask_engine([](engine::Engine& engine, Instant now) { return engine.paths(now); });
  ask_engine([&](engine::Engine&, Instant) {
    process->recorder.paths().paths(views);
    return 0;
  });
  const std::string page = process->metrics.registry.expose();
  EXPECT_THAT(page, HasSubstr("mailweir_paths_held{provider=\"" + provider() + "\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("mailweir_path_holds_total{provider=\"" + provider() +
                              "\",cause=\"throttle\"} 1\n"));
}

TEST_F(PathKeeping, AnImageThatCannotBeReadIsReportedAndThePathStartsAnew) {
  spool::CommitBatch batch;
  batch.system.push_back({path_key(), "not an image"});
  ASSERT_TRUE(spool.memory.commit(batch));
  start();
  const auto unreadable = events_of("message.unreadable");
  ASSERT_THAT(unreadable, SizeIs(1));
  EXPECT_THAT(unreadable[0]["detail"].get<std::string>(), HasSubstr("path/one"));
  accept("r@b.test");
  receiver.wait_for(1);
}

TEST_F(PathKeeping, AnImageFromMonthsAgoIsDroppedAtTheStart) {
  start();
  hold_path();
  stop();
  const KeptPath taken = read_kept_path(path_key(), kept(path_key()).value()).value();
  const UnixTime now = runtime::SystemClock().wall_now();
  spool::CommitBatch batch;
  batch.system = {
      to_entry(engine::KeepPath{"one", provider(), taken.image}, now - 24h * 89),
      to_entry(engine::KeepPath{"one", "left.test", taken.image}, now - 24h * 91),
      to_entry(engine::KeepPath{"@tenant x", "left.test", taken.image}, now - 24h * 91)};
  ASSERT_TRUE(spool.memory.commit(batch));
  start();
  ASSERT_TRUE(spool.wait_until([this] { return !kept(kept_path_key("one", "left.test")); }));
  EXPECT_EQ(kept(kept_path_key("@tenant x", "left.test")), std::nullopt);
  EXPECT_TRUE(kept(path_key()));
  accept("new@b.test");
  EXPECT_TRUE(is_held());
}

TEST_F(PathKeeping, APauseOutlivesACrash) {
  start();
  const auto set_hands = set(pause());
  ASSERT_TRUE(set_hands);
  EXPECT_EQ(set_hands->front().id, 1U);
  crash();
  start();
  const MessageId id = accept("r@b.test");
  EXPECT_EQ(reason_of(id), engine::WaitReason::path_paused);
  ASSERT_THAT(hands(), SizeIs(1));
  EXPECT_EQ(hands()[0].reason, "they called");
  EXPECT_EQ(hands()[0].until, never);
  EXPECT_THAT(remove({1, {}, {}}), SizeIs(1));
  ASSERT_TRUE(spool.wait_until_gone(id));
  EXPECT_EQ(kept("hand/1"), std::nullopt);
  // An id is not given twice, so that the log is clear.
  stop();
  start();
  EXPECT_THAT(hands(), IsEmpty());
  EXPECT_EQ(set(pause())->front().id, 2U);
  EXPECT_THAT(events_of("path.paused"), SizeIs(2));
  const auto taken_back = events_of("path.taken_back");
  ASSERT_THAT(taken_back, SizeIs(1));
  EXPECT_EQ(taken_back[0]["reason"], "over");
  EXPECT_EQ(taken_back[0]["provider"], "*");
}

TEST_F(PathKeeping, ATimedPauseEndsByItself) {
  start();
  ASSERT_TRUE(set(pause(100ms)));
  const MessageId id = accept("r@b.test");
  ASSERT_TRUE(spool.wait_until_gone(id));
  ASSERT_TRUE(spool.wait_until([this] { return !kept("hand/1"); }));
  ASSERT_THAT(events_of("path.ended"), SizeIs(1));
  EXPECT_THAT(hands(), IsEmpty());
}

TEST_F(PathKeeping, APauseWhoseTimeIsOverIsDroppedAtTheStart) {
  spool::CommitBatch batch;
  KeptHand over;
  over.hand.id = 4;
  over.until = UnixTime(1h);
  KeptHand lasting = over;
  lasting.hand.id = 5;
  lasting.hand.source = "another";
  lasting.until = runtime::SystemClock().wall_now() + 1h;
  batch.system = {to_entry(over), to_entry(lasting)};
  ASSERT_TRUE(spool.memory.commit(batch));
  start();
  ASSERT_THAT(hands(), SizeIs(1));
  EXPECT_EQ(hands()[0].id, 5U);
  EXPECT_LE(hands()[0].until, process->clock.now() + 1h);
  EXPECT_GT(hands()[0].until, process->clock.now() + 50min);
  ASSERT_TRUE(spool.wait_until([this] { return !kept("hand/4"); }));
  EXPECT_EQ(set(pause())->front().id, 6U);
}

TEST_F(PathKeeping, AResumeTakesBackThePausesThatLieWithin) {
  start();
  engine::PathHand narrow = pause();
  narrow.provider = provider();
  engine::PathHand cap = pause();
  cap.action = engine::PathHand::Action::cap;
  cap.connections = 1;
  ASSERT_TRUE(set(narrow));
  ASSERT_TRUE(set(pause()));
  ASSERT_TRUE(set(cap));
  EXPECT_THAT(remove({0, "one", "elsewhere.test"}), IsEmpty());
  EXPECT_THAT(remove({0, "one", provider()}),
              ElementsAre(::testing::Field(&engine::PathHand::id, 1U)));
  EXPECT_THAT(remove({0, {}, {}}), ElementsAre(::testing::Field(&engine::PathHand::id, 2U)));
  ASSERT_THAT(hands(), SizeIs(1));
  EXPECT_EQ(hands()[0].id, 3U);
}

TEST_F(PathKeeping, RefusalsThatNoRuleReadsAreCounted) {
  receiver.answer("odd@b.test", {"554 zzz qqq xyzzy"});
  start();
  const MessageId id = accept("odd@b.test");
  ASSERT_TRUE(spool.wait_until_gone(id));
  const auto [total, entries] = ask_engine([this](engine::Engine&, Instant) {
    const auto& unknown = process->recorder.paths().unknown_refusals();
    return std::pair(unknown.total(), unknown.entries());
  });
  EXPECT_EQ(total, 1U);
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_THAT(entries[0].sample, HasSubstr("xyzzy"));
}

}  // namespace
}  // namespace mailweir::relay::testing
