// What an operator has had forgotten comes back when that is taken back, whenever the process died.
#include <gmock/gmock.h>

#include <thread>

#include "engine/kept_image.h"
#include "pacing/path_controller.h"
#include "relay/path_keeping_fixture.h"

namespace mailweir::relay::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PathForgetting : public PathKeeping {
 protected:
  Result<ForgottenPaths> try_to_forget(engine::PathName wanted) {
    receiver.answer("r@b.test", {"250 2.1.5 ok"});  // what waited goes, and is not refused again
    std::promise<Result<ForgottenPaths>> answer;
    process->relay->forget_paths(std::move(wanted), {"uid 0", "they released us"},
                                 [&](auto forgotten) { answer.set_value(std::move(forgotten)); });
    return answer.get_future().get();
  }
  ForgottenPaths forget(engine::PathName wanted) {
    return try_to_forget(std::move(wanted)).value();
  }
  ForgottenPaths forget() { return forget({"one", provider()}); }
  Result<std::vector<engine::PathHand>> try_to_undo(std::uint64_t id) {
    std::promise<Result<std::vector<engine::PathHand>>> answer;
    process->relay->remove_hands({id, {}, {}}, {"uid 0", "over"},
                                 [&](auto result) { answer.set_value(std::move(result)); });
    return answer.get_future().get();
  }
  // As many as can be, with an image each.
  void forget_often() {
    spool::CommitBatch batch;
    for (std::uint64_t i = 1; i <= forgotten_max; ++i) {
      KeptHand old;
      old.hand.id = i;
      old.hand.action = engine::PathHand::Action::forget;
      old.until = runtime::SystemClock().wall_now() + 1h;
      batch.system.push_back(to_entry(old));
      batch.system.push_back(to_forgotten_entry(i, {"one", "p", {}, "image"}));
    }
    ASSERT_TRUE(spool.memory.commit(batch));
  }
  // The keys of all that could be given back.
  std::vector<std::string> stored() {
    std::vector<std::string> keys;
    EXPECT_TRUE(
        spool.scan_system(kept_forgotten_prefix, [&](auto key, auto) { keys.emplace_back(key); }));
    return keys;
  }
  // In the spool under the path's own name.
  std::optional<pacing::Mode> mode_kept() {
    const auto value = kept(path_key());
    if (!value) return std::nullopt;
    const auto path = read_kept_path(path_key(), *value);
    const auto controller = pacing::PathController::restore(
        engine::split_image(path->image, Instant{}).controller, {}, {}, Instant(1h));
    return controller ? std::optional(controller->mode()) : std::nullopt;
  }
};

TEST_F(PathForgetting, AForgottenPathIsOpenAndTheLogSaysWhatWasKnown) {
  start();
  hold_path();
  EXPECT_EQ(forget({"one", "nobody"}).hand.id, 0U);
  EXPECT_THAT(hands(), IsEmpty());
  const ForgottenPaths forgotten = forget({"", provider()});
  EXPECT_THAT(forgotten.paths, ElementsAre(engine::PathName{"one", provider()}));
  EXPECT_EQ(forgotten.hand.id, 1U);
  EXPECT_FALSE(is_held());
  const auto told = events_of("path.forgotten");
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0]["reason"], "they released us");
  EXPECT_EQ(told[0]["by"], "uid 0");
  EXPECT_EQ(told[0]["hand"], 1);
  EXPECT_THAT(told[0]["detail"].get<std::string>(), HasSubstr("held"));
  ASSERT_THAT(hands(), SizeIs(1));
  EXPECT_EQ(hands()[0].action, engine::PathHand::Action::forget);
  EXPECT_GT(hands()[0].until, process->clock.now() + 24h * 6);
}

TEST_F(PathForgetting, UndoneThePathIsHeldAgainAndNothingIsLeft) {
  start();
  hold_path();
  const auto since = explain().learned->since;
  forget();
  EXPECT_FALSE(is_held());
  EXPECT_THAT(remove({1, {}, {}}), SizeIs(1));
  EXPECT_TRUE(is_held());
  EXPECT_LT(explain().learned->since - since, 1s);
  EXPECT_GT(explain().learned->since - since, -1s);
  EXPECT_EQ(explain().last.reply.code, 451);
  EXPECT_THAT(hands(), IsEmpty());
  EXPECT_THAT(stored(), IsEmpty());
  EXPECT_EQ(kept("hand/1"), std::nullopt);
  EXPECT_EQ(mode_kept(), pacing::Mode::held);
  const auto taken_back = events_of("path.taken_back");
  ASSERT_THAT(taken_back, SizeIs(1));
  EXPECT_EQ(taken_back[0]["hand"], 1);
  EXPECT_EQ(taken_back[0]["reason"], "over");
  EXPECT_EQ(taken_back[0]["detail"], "what was forgotten is known again");
  EXPECT_THAT(remove({1, {}, {}}), IsEmpty()) << "once";
}

TEST_F(PathForgetting, KilledRightAfterTheAnswerItCanStillBeUndone) {
  start();
  hold_path();
  forget();
  crash();
  EXPECT_EQ(mode_kept(), pacing::Mode::open);
  start();
  ASSERT_THAT(hands(), SizeIs(1));
  EXPECT_EQ(hands()[0].action, engine::PathHand::Action::forget);
  EXPECT_EQ(hands()[0].reason, "they released us");
  EXPECT_THAT(remove({1, {}, {}}), SizeIs(1));
  EXPECT_THAT(stored(), IsEmpty());
  crash();
  start();
  accept("new@b.test");
  EXPECT_TRUE(is_held()) << "what was given back has outlived the process, too";
}

TEST_F(PathForgetting, TheSpoolKnowsItUnderOneNameBeforeItGoesUnderTheOther) {
  // The number of the first commit from there on with such a key.
  const auto commit_of = [&](const std::string& prefix, std::size_t from) {
    const auto commits = spool.commits();
    for (std::size_t i = from; i < commits.size(); ++i) {
      for (const spool::SystemEntry& entry : commits[i].system) {
        if (entry.key.starts_with(prefix)) return i;
      }
    }
    ADD_FAILURE() << "no commit has " << prefix;
    return commits.size();
  };
  start();
  hold_path();
  settle();
  const std::size_t before = spool.commits().size();
  forget();
  EXPECT_LT(commit_of("forgotten/1/", before), commit_of(path_key(), before));
  const std::size_t forgotten = spool.commits().size();
  remove({1, {}, {}});
  EXPECT_LE(commit_of(path_key(), forgotten), commit_of("forgotten/1/", forgotten));
}

// Whatever commit was the last one: what was known is in the spool, under one name or the other.
TEST_F(PathForgetting, KilledInBetweenNothingThatWasKnownIsLost) {
  for (std::uint64_t commits = 0; commits < 6; ++commits) {
    SCOPED_TRACE(commits);
    start();
    hold_path();
    settle();
    spool.cut_after(commits);
    static_cast<void>(try_to_forget({"one", provider()}));
    settle();
    std::promise<void> answered;
    process->relay->remove_hands({1, {}, {}}, {"uid 0", "over"},
                                 [&](const auto&) { answered.set_value(); });
    answered.get_future().wait();
    settle();
    crash();
    spool.revive();
    EXPECT_TRUE(mode_kept() == pacing::Mode::held || !stored().empty());
    EXPECT_EQ(stored().empty(), kept("hand/1") == std::nullopt);
    spool.memory.commit({.system = {{path_key(), {}}, {"hand/1", {}}, {"hands/next", {}}}}).value();
    for (const std::string& key : stored()) spool.memory.commit({.system = {{key, {}}}}).value();
  }
}

TEST_F(PathForgetting, ItsImagesGoWithItsTime) {
  start();
  hold_path();
  forget();
  stop();
  KeptHand ending = read_kept_hand("hand/1", kept("hand/1").value()).value();
  ending.until = runtime::SystemClock().wall_now() + 150ms;
  ASSERT_TRUE(spool.memory.commit({.system = {to_entry(ending)}}));
  ASSERT_THAT(stored(), SizeIs(1));
  start();
  ASSERT_TRUE(spool.wait_until([this] { return !kept("hand/1") && stored().empty(); }));
  EXPECT_THAT(remove({1, {}, {}}), IsEmpty());
  EXPECT_THAT(events_of("path.ended"), SizeIs(1));
}

TEST_F(PathForgetting, WhatEndedWhileNobodyWasThereGoesAtTheStart) {
  spool::CommitBatch batch;
  batch.system = {to_forgotten_entry(3, {"one", provider(), UnixTime(1h), "image"}),
                  {"forgotten/4/one/touched", "not an image"},
                  {"forgotten/odd", "left as it is"}};
  KeptHand over;
  over.hand.id = 3;
  over.hand.action = engine::PathHand::Action::forget;
  over.until = UnixTime(2h);
  batch.system.push_back(to_entry(over));
  ASSERT_TRUE(spool.memory.commit(batch));
  start();
  ASSERT_TRUE(spool.wait_until([this] { return stored().size() == 1 && !kept("hand/3"); }));
  EXPECT_THAT(stored(), ElementsAre("forgotten/odd"));
}

TEST_F(PathForgetting, AnImageThatCannotBeReadIsReportedAndTheRestComesBack) {
  start();
  hold_path();
  forget();
  ASSERT_TRUE(spool.memory.commit({.system = {{"forgotten/1/one/touched", "not an image"}}}));
  EXPECT_THAT(remove({1, {}, {}}), SizeIs(1));
  EXPECT_TRUE(is_held());
  EXPECT_THAT(stored(), IsEmpty());
  EXPECT_THAT(events_of("message.unreadable"), SizeIs(1));
}

TEST_F(PathForgetting, WhatCannotBeReadAtAllIsNotSaidToBeBack) {
  start();
  hold_path();
  forget();
  for (const std::string& key : stored())
    ASSERT_TRUE(spool.memory.commit({.system = {{key, "not an image"}}}));
  const auto undone = try_to_undo(1);
  ASSERT_FALSE(undone);
  EXPECT_EQ(undone.error().code, Errc::corrupt);
  EXPECT_THAT(hands(), SizeIs(1));
  EXPECT_FALSE(is_held());
}

TEST_F(PathForgetting, WhatCouldNotBeStoredIsNoOrderAndIsKnownAgainAfterARestart) {
  start();
  hold_path();
  settle();
  spool.memory.fail_commit(0, Errc::no_space);
  const auto refused = try_to_forget({"one", provider()});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().context, HasSubstr("cannot be given back"));
  EXPECT_THAT(hands(), IsEmpty());
  EXPECT_THAT(events_of("path.ended"), SizeIs(1));
  EXPECT_EQ(mode_kept(), pacing::Mode::held);
}

// Taken back in the other order the later one would replace what the first has given back.
TEST_F(PathForgetting, ForgottenTwiceTheLastIsTakenBackFirst) {
  start();
  hold_path();
  EXPECT_EQ(forget().hand.id, 1U);
  EXPECT_EQ(forget({"", provider()}).hand.id, 2U);
  const auto refused = try_to_undo(1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::refused);
  EXPECT_EQ(refused.error().context, "hand 2 has forgotten * → " + provider() +
                                         " after that; take that back first with `mailweir path "
                                         "undo 2`");
  EXPECT_FALSE(is_held());
  EXPECT_THAT(hands(), SizeIs(2));
  EXPECT_THAT(stored(), SizeIs(2));
  EXPECT_TRUE(try_to_undo(2));
  EXPECT_FALSE(is_held());
  EXPECT_TRUE(try_to_undo(1));
  EXPECT_TRUE(is_held());
}

TEST_F(PathForgetting, WhatWasForgottenElsewhereSinceIsInNobodysWay) {
  engine::PathHand elsewhere;
  elsewhere.id = 7;
  elsewhere.action = engine::PathHand::Action::forget;
  elsewhere.provider = "elsewhere";
  start();
  hold_path();
  forget();
  stop();
  KeptHand later{elsewhere, runtime::SystemClock().wall_now() + 1h};
  ASSERT_TRUE(spool.memory.commit({.system = {to_entry(later)}}));
  start();
  ASSERT_THAT(hands(), SizeIs(2));
  EXPECT_TRUE(try_to_undo(1));
}

TEST_F(PathForgetting, TheImagesOfAHandThatCannotBeReadStay) {
  start();
  hold_path();
  forget();
  stop();
  ASSERT_TRUE(spool.memory.commit({.system = {{"hand/1", "no hand"}, {"hands/next", {}}}}));
  start();
  settle();
  EXPECT_THAT(stored(), SizeIs(1));
  EXPECT_EQ(forget().hand.id, 2U) << "its id is not given again";
}

TEST_F(PathForgetting, WhereTheHandsCannotBeReadNothingIsErased) {
  start();
  hold_path();
  forget();
  stop();
  spool.unscannable = kept_hand_prefix;
  start();
  EXPECT_THAT(hands(), IsEmpty());
  stop();
  spool.unscannable.clear();
  EXPECT_THAT(stored(), SizeIs(1));
  start();
  EXPECT_TRUE(try_to_undo(1));
}

TEST_F(PathForgetting, TheOldestGivesWayToNothingThatIsNotStored) {
  forget_often();
  start();
  hold_path();
  settle();
  spool.memory.fail_commit(0, Errc::no_space);
  ASSERT_FALSE(try_to_forget({"one", provider()}));
  settle();
  EXPECT_THAT(hands(), SizeIs(forgotten_max));
  EXPECT_THAT(stored(), SizeIs(forgotten_max));
  EXPECT_TRUE(kept("hand/1"));
}

TEST_F(PathForgetting, TheLogNamesSingleHostsAndWhoIsNoLongerSlowed) {
  start();
  engine::PathExplanation path;
  path.source = "one";
  path.provider = "google";
  engine::PathHand hand;
  hand.id = 3;
  hand.until = process->clock.now() + 1h;
  PathRecorder& paths = process->recorder.paths();
  paths.forgotten(path, {}, hand);
  paths.forgotten(path, {"mx1.test", "mx2.test"}, hand);
  paths.forgotten(path, std::vector<std::string>(20, "mx.test"), hand);
  paths.slowing_over({"tenant acme", "google"}, hand);
  const auto told = events_of("path.forgotten");
  ASSERT_THAT(told, SizeIs(4));
  EXPECT_EQ(told[0]["detail"], "what an earlier run had kept");
  EXPECT_EQ(told[1]["detail"], "what an earlier run had kept; 2 single hosts: mx1.test, mx2.test");
  EXPECT_THAT(told[2]["detail"].get<std::string>(), HasSubstr("; 20 single hosts: mx.test, "));
  EXPECT_THAT(told[2]["detail"].get<std::string>(), EndsWith("mx.test, …"));
  EXPECT_TRUE(told[2].contains("until"));
  EXPECT_EQ(told[3]["detail"], "tenant acme: no longer slowed on suspicion");
  EXPECT_FALSE(told[3].contains("until"));
}

TEST_F(PathForgetting, OfSeveralImagesInARoundTheLastIsStored) {
  start();
  hold_path();
  EXPECT_TRUE(set(pause()));  // what waits does not go when the hold is forgotten
  settle();
  const std::size_t before = spool.commits().size();
  ask_engine([this](engine::Engine& engine, Instant now) {
    engine.keep_anew({{"one", provider()}}, now);
    static_cast<void>(engine.forget({"one", provider()}, now));
    engine.keep_anew({{"gone", "elsewhere"}, {"one", provider()}}, now);
    return true;
  });
  EXPECT_TRUE(set(pause()));  // what is stored lazily goes before
  std::vector<std::string> keys;
  const auto commits = spool.commits();
  for (std::size_t i = before; i < commits.size(); ++i) {
    for (const spool::SystemEntry& entry : commits[i].system) {
      if (entry.key.starts_with(kept_path_prefix)) keys.push_back(entry.key);
    }
  }
  EXPECT_THAT(keys, ElementsAre(path_key(), kept_path_key("gone", "elsewhere")));
  EXPECT_EQ(mode_kept(), pacing::Mode::open);
}

TEST_F(PathForgetting, AStopWaitsForWhatIsBeingGivenBack) {
  start();
  hold_path();
  forget();
  settle();
  spool.shut();
  std::promise<bool> answer;
  process->relay->remove_hands({1, {}, {}}, {"uid 0", "over"}, [&](const auto& undone) {
    answer.set_value(undone.has_value() && !undone->empty());
  });
  std::jthread opener([this] {
    EXPECT_TRUE(spool.wait_for_commit_at_gate());
    spool.open();
  });
  stop();
  auto answered = answer.get_future();
  ASSERT_EQ(answered.wait_for(0s), std::future_status::ready);
  EXPECT_TRUE(answered.get());
  EXPECT_THAT(stored(), IsEmpty());
}

// Its hold goes on: it neither ends with the hands nor is in their way.
TEST_F(PathForgetting, OrdersToForgetAndPausesDoNotCrowdEachOther) {
  start();
  hold_path();
  stop();
  forget_often();
  start();
  EXPECT_TRUE(set(pause())) << "as many as are forgotten are no pauses";
  EXPECT_EQ(forget().hand.id, forgotten_max + 2);
  ASSERT_TRUE(spool.wait_until([this] { return stored().size() == forgotten_max; }));
  EXPECT_EQ(kept("hand/1"), std::nullopt) << "the oldest gives way";
  EXPECT_TRUE(kept("hand/2"));
  EXPECT_THAT(events_of("path.ended"), SizeIs(1));
  EXPECT_THAT(remove({0, {}, {}}), SizeIs(1)) << "a resume takes back pauses alone";
  EXPECT_THAT(hands(), SizeIs(forgotten_max));
}

}  // namespace
}  // namespace mailweir::relay::testing
