// What is brought back takes the place of what was learned since: it learns what was sent, and
// opens nothing.
#include <gtest/gtest.h>

#include "pacing/path_controller.h"
#include "pacing/test_path.h"

namespace mailweir::pacing {
namespace {

using namespace std::chrono_literals;

// Of its image, in place of the one that has been there since.
PathController brought_back(const TestPath& known, const TestPath& since) {
  const std::string image = known.controller.save(known.now);
  auto back = PathController::restore(image, {}, since.now - known.now, since.now);
  back->succeed(since.controller, since.now);
  return *back;
}

TestPath path_since(const TestPath& known) {
  TestPath since;
  since.now = known.now;
  since.controller = PathController({}, since.now);
  return since;
}

TEST(Succession, WhatWasSentSinceIsCountedWithWhatIsKnown) {
  const TestPath known = used_path();
  TestPath since = path_since(known);
  const int sent = since.send_for(1h, 1s, Signal::accepted);
  since.finish();
  const double before = known.controller.state(since.now).counts[day];
  const LearnedState state = brought_back(known, since).state(since.now);
  EXPECT_NEAR(state.counts[day], before + sent, 2);
  EXPECT_NEAR(state.counts[hour], since.controller.state(since.now).counts[hour], 0.1 * sent + 2);
  EXPECT_EQ(state.mode, Mode::open);
}

TEST(Succession, WhatIsShutSinceStaysShutOnItsCause) {
  const TestPath known = used_path();
  TestPath since = path_since(known);
  since.send_for(10min, 1s, Signal::accepted);
  since.finish();
  since.attempt(Signal::block_listed);
  const LearnedState shut = since.controller.state(since.now);
  const LearnedState back = brought_back(known, since).state(since.now);
  EXPECT_EQ(back.mode, Mode::held);
  EXPECT_EQ(back.cause, HoldCause::block_list);
  EXPECT_EQ(back.next_canary, shut.next_canary);
  EXPECT_EQ(back.since, shut.since);
}

TEST(Succession, WhatRampsByNowAsksWithACanaryFirst) {
  const TestPath known = used_path();
  TestPath since = path_since(known);
  since.send_for(10min, 1s, Signal::accepted);
  since.finish();
  since.attempt(Signal::throttled);
  since.wait_for_permit();
  since.attempt(Signal::accepted);
  ASSERT_EQ(since.controller.mode(), Mode::ramp);
  PathController back = brought_back(known, since);
  EXPECT_EQ(back.mode(), Mode::held);
  EXPECT_EQ(back.state(since.now).cause, HoldCause::throttle);
  const Instant at = back.ask(since.now, 0, {}).at;
  EXPECT_LE(at, since.now + 1min);
  back.on_start(at);
  EXPECT_GT(back.ask(at, 1, {}).at, at) << "one at a time";
}

TEST(Succession, OfTwoHoldsTheLaterCanaryAndThePresentCauseCount) {
  TestPath known = used_path();
  known.attempt(Signal::throttled, 6h);  // named by the peer
  TestPath since = path_since(known);
  since.send_for(10min, 1s, Signal::accepted);
  since.finish();
  since.attempt(Signal::block_listed);
  const LearnedState back = brought_back(known, since).state(since.now);
  EXPECT_EQ(back.cause, HoldCause::block_list);
  EXPECT_EQ(back.next_canary, known.controller.state(known.now).next_canary);
  const TestPath briefly = [] {
    TestPath path = used_path();
    path.attempt(Signal::throttled);
    return path;
  }();
  EXPECT_EQ(brought_back(briefly, since).state(since.now).next_canary,
            since.controller.state(since.now).next_canary);
}

}  // namespace
}  // namespace mailweir::pacing
