// A message that is refused in words which sound like a limit of the path, while others get
// through.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "engine/test_world.h"

namespace mailweir::engine {
namespace {

using testing::Each;
using testing::IsEmpty;
using testing::Not;

constexpr auto listed = "5.7.1 Service unavailable; client host [192.0.2.1] is listed by us";
constexpr auto slow_down = "4.7.0 Too many messages from your IP address, slow down";

class RefusedMessage : public testing::Test {
 protected:
  void start(std::size_t sources) {
    world = std::make_unique<World>(learning_config(sources), 1);
    world->route = [](const std::string& domain) {
      return World::RouteFate{.hosts = {{10, domain + ".mx.example"}}};
    };
    world->opening = [](const OpenSession&) {
      return World::OpeningFate{.host = {}, .failed_before = {}};
    };
    world->transaction = [this](const StartTransaction& order) {
      const std::string source = source_of(*world, order);
      if (std::exchange(next_is_bad, false)) bad = order.message;
      if (shut.contains(source) || order.message == bad) {
        refused.push_back(source);
        return is_listed ? refusal(Phase::mail, 550, listed) : refusal(Phase::mail, 421, slow_down);
      }
      return World::TransactionFate{.recipients = {{}}};
    };
  }
  // From now on it is refused, whoever sends it.
  void send_bad() {
    next_is_bad = true;
    world->send_to("a.example");
  }
  std::string provider() const { return world->opens.front().provider; }
  bool is_held(const std::string& source) const {
    return world->engine->is_held(source, provider());
  }
  // Others' mail, one a second.
  void send_others(int count) {
    for (int i = 0; i < count; ++i) {
      world->send_to("a.example");
      world->run_for(1s);
    }
  }

  std::unique_ptr<World> world;
  MessageId bad{};
  bool next_is_bad = false;
  bool is_listed = true;
  std::set<std::string> shut;        // sources that are refused whatever they send
  std::vector<std::string> refused;  // from which source
};

TEST_F(RefusedMessage, HoldsAPathOnceAndThenWaitsAlone) {
  start(1);
  send_others(5);
  send_bad();
  world->run_for(1s);
  ASSERT_TRUE(is_held("s1")) << "what it says is believed at first";
  for (int i = 0; i < 60 && is_held("s1"); ++i) send_others(60);
  EXPECT_FALSE(is_held("s1"));
  refused.clear();
  int held = 0;
  for (int i = 0; i < 3 * 3600; ++i) {
    world->run_for(1s);
    if (i % 10 == 0) world->send_to("a.example");
    held += is_held("s1") ? 1 : 0;
  }
  EXPECT_EQ(held, 0) << "the message alone is refused";
  EXPECT_THAT(refused, Not(IsEmpty())) << "it goes on trying";
  EXPECT_GE(world->view(bad).attempts, 1) << "as its own schedule says";
}

TEST_F(RefusedMessage, DoesNotHoldTheSecondPathThatTakesOtherMail) {
  start(2);
  send_others(20);
  send_bad();
  for (int i = 0; i < 120; ++i) {
    send_others(1);
    EXPECT_FALSE(is_held("s1") && is_held("s2")) << i;
  }
  EXPECT_TRUE(is_held("s1") || is_held("s2"));
}

// Where it is the path after all the next message says so.
TEST_F(RefusedMessage, AListedPathIsHeldByTheNextMessage) {
  start(2);
  send_others(20);
  shut = {"s1", "s2"};
  send_others(5);
  EXPECT_TRUE(is_held("s1"));
  EXPECT_TRUE(is_held("s2"));
}

TEST_F(RefusedMessage, AThrottleTakesMoreProof) {
  is_listed = false;
  start(1);
  send_others(5);
  send_bad();
  world->run_for(1s);
  int held = 0;
  std::size_t refused_before_it_counted = 0;
  for (int i = 0; i < 3600; ++i) {
    send_others(1);
    held += is_held("s1") ? 1 : 0;
    if (world->view(bad).attempts == 0) refused_before_it_counted = refused.size();
  }
  EXPECT_GE(refused_before_it_counted, 3) << "one in two may be refused: the path stays suspect";
  EXPECT_GE(world->view(bad).attempts, 1);
  EXPECT_LE(held, 600);
  EXPECT_FALSE(is_held("s1"));
}

TEST_F(RefusedMessage, WithNobodyElseThroughItIsThePath) {
  start(1);
  send_others(5);
  shut = {"s1"};
  send_bad();
  world->run_for(1h);
  EXPECT_TRUE(is_held("s1")) << "nobody else gets through";
  EXPECT_EQ(world->view(bad).attempts, 0) << "the wait is ours";
  EXPECT_THAT(refused, Each("s1"));
}

}  // namespace
}  // namespace mailweir::engine
