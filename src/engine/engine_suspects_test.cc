// Whose mail came before a hold: named with its share, growth and bounces, and slowed first where
// the evidence is strong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/test_world.h"

namespace mailweir::engine {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

constexpr auto throttled = "4.7.0 Too many messages from your IP address, slow down";

class SuspectTest : public testing::Test {
 protected:
  SuspectTest() : world(learning_config(1)) {
    world.route = [](const std::string& domain) {
      return World::RouteFate{.hosts = {{10, domain + ".mx.example"}}};
    };
    world.transaction = [this](const StartTransaction& order) {
      if (is_throttled) return refusal(Phase::mail, 421, throttled);
      if (std::exchange(is_unknown, false)) return refusal(Phase::rcpt, 550, "5.1.1 no such user");
      delivered.push_back(order.message);
      return World::TransactionFate{.recipients = {{}}};
    };
  }
  void send(const std::string& tenant, int count, Duration every) {
    for (int i = 0; i < count; ++i) {
      world.send({.tenant = tenant});
      world.run_for(every);
    }
  }
  // Two tenants, ten hours, a message a minute each.
  void usual_day() {
    for (int i = 0; i < 600; ++i) {
      send("alpha", 1, 30s);
      send("beta", 1, 30s);
    }
  }
  void refuse_once() {
    is_throttled = true;
    world.send({.tenant = "alpha"});
    world.run_for(1s);
    is_throttled = false;
  }
  const Notice* told(Notice::Kind kind, std::string_view cell = {}) const {
    const auto found = std::ranges::find_if(world.notices, [&](const Notice& notice) {
      return notice.kind == kind && notice.cell == cell;
    });
    return found == world.notices.end() ? nullptr : &*found;
  }

  World world;
  bool is_throttled = false;
  bool is_unknown = false;
  std::vector<MessageId> delivered;
};

TEST_F(SuspectTest, ABurstBeforeTheHoldIsNamedAndItsTenantSlowed) {
  usual_day();
  send("beta", 100, 2s);
  refuse_once();
  const Notice* held = told(Notice::Kind::throttle_detected);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->suspect, "beta");
  EXPECT_GT(held->suspect_share, 0.8);
  EXPECT_GT(held->suspect_growth, 3.0);
  EXPECT_EQ(held->suspect_bounced, 0.0);
  const Notice* step = told(Notice::Kind::step, "tenant beta");
  ASSERT_NE(step, nullptr);
  EXPECT_LT(step->to, 0.1) << "near its usual message a minute";
  EXPECT_THAT(step->detail, StartsWith("slowed for an hour"));
}

TEST_F(SuspectTest, OthersGoOnBesideTheOneThatIsSlowed) {
  usual_day();
  send("beta", 100, 2s);
  refuse_once();
  world.run_for(10min);
  ASSERT_FALSE(world.engine->is_held("s1", world.opens.front().provider));
  std::vector<MessageId> of_beta;
  for (int i = 0; i < 30; ++i) of_beta.push_back(world.send({.tenant = "beta"}));
  const MessageId other = world.send({.tenant = "alpha"});
  world.run_for(30s);
  EXPECT_NE(world.end_of(other), nullptr);
  world.run_for(3min);
  EXPECT_EQ(world.end_of(of_beta.back()), nullptr);
  EXPECT_TRUE(std::ranges::any_of(of_beta, [&](MessageId id) {
    return world.end_of(id) == nullptr && world.view(id).reason == WaitReason::cell;
  }));
  EXPECT_TRUE(world.drain(6h)) << "slowed, not stopped";
}

TEST_F(SuspectTest, UsualTrafficIsNotSuspected) {
  usual_day();
  refuse_once();
  const Notice* held = told(Notice::Kind::throttle_detected);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->suspect, "");
}

// Twice as much is told, but it is no reason to slow anybody.
TEST_F(SuspectTest, WeakEvidenceIsToldAndChangesNothing) {
  usual_day();
  send("beta", 25, 24s);
  refuse_once();
  const Notice* held = told(Notice::Kind::throttle_detected);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->suspect, "beta");
  EXPECT_LT(held->suspect_growth, 3.0);
  EXPECT_EQ(told(Notice::Kind::step, "tenant beta"), nullptr);
}

TEST_F(SuspectTest, MailToUnknownUsersIsNamed) {
  usual_day();
  for (int i = 0; i < 20; ++i) {
    is_unknown = i % 2 == 0;
    send("alpha", 1, 1s);
    send("beta", 1, 1s);
  }
  refuse_once();
  const Notice* held = told(Notice::Kind::throttle_detected);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->suspect, "alpha");
  EXPECT_GT(held->suspect_bounced, 0.2);
}

}  // namespace
}  // namespace mailweir::engine
