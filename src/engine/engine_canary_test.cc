// Which message asks a held path: small and not urgent, unless a deadline says otherwise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_world.h"

namespace mailweir::engine {
namespace {

using testing::Contains;
using testing::Each;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class Canary : public testing::Test {
 protected:
  Canary() {
    EngineConfig config = learning_config(1);
    config.classes = {{.name = "bulk", .priority = 20},
                      {.name = "notice", .priority = 60},
                      {.name = "password", .priority = 90}};
    world = std::make_unique<World>(config, 1);
    world->route = [](const std::string& domain) {
      return World::RouteFate{.hosts = {{10, domain + ".mx.example"}}};
    };
    world->opening = [this](const OpenSession&) {
      World::OpeningFate fate{.host = {}, .failed_before = {}};
      if (!is_silent) return fate;
      fate.failure = Failure::connect_timeout;
      fate.takes = 30s;
      return fate;
    };
    world->transaction = [this](const StartTransaction& order) {
      if (is_refusing) {
        asked.push_back(order.message);
        return refusal(Phase::mail, 421, "4.7.0 Too many messages from your IP address, slow down");
      }
      delivered.push_back(order.message);
      return World::TransactionFate{.recipients = {{}}};
    };
  }
  MessageId send(const std::string& its_class, std::uint32_t size = 4096, Duration deadline = {}) {
    return world->send(
        {.message_class = its_class, .domains = {"a.example"}, .deadline = deadline, .size = size});
  }
  // The path is held, and no attempt of it is under way.
  void hold() {
    is_refusing = true;
    first = send("bulk");
    world->run_for(1s);
    ASSERT_TRUE(world->engine->is_held("s1", world->opens.front().provider));
    asked.clear();
  }
  void release() {
    is_refusing = false;
    delivered.clear();
  }

  std::unique_ptr<World> world;
  MessageId first{};  // that met the refusal
  bool is_refusing = false;
  bool is_silent = false;
  std::vector<MessageId> asked;      // by a refused attempt
  std::vector<MessageId> delivered;  // in this order
};

TEST_F(Canary, IsNotUrgentButWhatIsUrgentFollowsAtOnce) {
  hold();
  const MessageId urgent = send("password");
  const MessageId ordinary = send("notice");
  world->run_for(3min);
  ASSERT_THAT(asked, Not(IsEmpty()));
  EXPECT_THAT(asked, Not(Contains(urgent)));
  EXPECT_THAT(asked, Not(Contains(ordinary)));
  release();
  world->run_for(20min);
  ASSERT_THAT(delivered, SizeIs(3));
  EXPECT_EQ(delivered[1], urgent) << "the first of the ramp";
  EXPECT_EQ(delivered[2], ordinary);
}

TEST_F(Canary, IsTheSmallestOfThoseThatStandInFront) {
  hold();
  send("bulk", 20'000'000);
  const MessageId small = send("bulk", 900);
  send("bulk", 1'000'000);
  world->run_for(3min);
  ASSERT_THAT(asked, Not(IsEmpty()));
  EXPECT_EQ(asked.front(), small);
}

// Each may be refused for its own sake: none asks for ever while others could.
TEST_F(Canary, TakesTurnsAmongTheSmall) {
  hold();
  const MessageId second = send("bulk");
  const MessageId large = send("bulk", 20'000'000);
  world->run_for(3min);
  EXPECT_THAT(asked, Contains(first));
  EXPECT_THAT(asked, Contains(second));
  EXPECT_THAT(asked, Not(Contains(large)));
}

TEST_F(Canary, AfterTenMinutesAnotherClassAsksToo) {
  hold();
  const MessageId ordinary = send("notice");
  world->run_for(9min);
  EXPECT_THAT(asked, Not(Contains(ordinary)));
  world->run_for(1h);
  EXPECT_THAT(asked, Contains(ordinary));
}

TEST_F(Canary, IsUrgentWhenADeadlineFallsBeforeTheNextOne) {
  hold();
  const MessageId relaxed = send("password", 4096, 2h);
  world->run_for(1min);
  EXPECT_THAT(asked, Not(Contains(relaxed)));
  asked.clear();
  const MessageId pressed = send("password", 4096, 30s);
  world->run_for(5min);
  ASSERT_THAT(asked, Not(IsEmpty()));
  EXPECT_THAT(asked, Each(pressed));
}

TEST_F(Canary, WithNothingElseTheUrgentAsks) {
  hold();
  world->with_engine([&](Engine& engine) { return engine.remove(first, world->now); });
  const MessageId urgent = send("password");
  world->run_for(3min);
  EXPECT_THAT(asked, Each(urgent));
  EXPECT_THAT(asked, Not(IsEmpty()));
}

// Where nobody answers, what is reserved for the canary's connection hangs with it.
TEST_F(Canary, UrgentMailDoesNotHangInASilentOpening) {
  hold();
  is_silent = true;
  for (int i = 0; i < 30; ++i) send("bulk");
  const std::size_t before = world->opens.size();
  const MessageId urgent = send("password");
  for (int i = 0; i < 600; ++i) {
    world->run_for(1s);
    EXPECT_NE(world->view(urgent).reason, WaitReason::none) << "after " << i << " s";
  }
  EXPECT_GE(world->opens.size(), before + 2);
}

}  // namespace
}  // namespace mailweir::engine
