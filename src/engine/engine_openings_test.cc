// Sessions that cannot be opened: a source that is not on the machine, openings that hang.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_world.h"

namespace mailweir::engine {
namespace {

TEST(Openings, AnUnusableSourceRestsAndItsMailGoesByAnother) {
  EngineConfig config = plain_config();
  config.sources.push_back({"s2", "", "", "b"});
  config.pools = {{"main", {0, 1}}};
  World world(config);
  world.opening = [](const OpenSession& order) {
    return order.source == 0 ? World::OpeningFate{.failure = Failure::source_unusable}
                             : World::OpeningFate{};
  };
  for (int i = 0; i < 50; ++i) world.send_to("d" + std::to_string(i) + ".example");
  world.run_for(20s);
  EXPECT_EQ(world.count(Disposition::delivered), 50U);
  for (const auto& [key, end] : world.ends) EXPECT_EQ(end.attempts, 1);
}

TEST(Openings, AnUnusableSourceIsWhatItsMailWaitsFor) {
  World world(plain_config());
  bool is_there = false;
  world.opening = [&](const OpenSession&) {
    return is_there ? World::OpeningFate{}
                    : World::OpeningFate{.failure = Failure::source_unusable};
  };
  const MessageId id = world.send_to("a.example");
  world.run_for(65s);
  EXPECT_EQ(world.view(id).reason, WaitReason::source_unusable);
  EXPECT_GT(world.view(id).until, world.now);
  EXPECT_THAT(world.engine->unusable_sources(world.now), testing::ElementsAre("s1"));
  is_there = true;
  world.run_for(31s);
  EXPECT_EQ(world.count(Disposition::delivered), 1U);
  EXPECT_THAT(world.engine->unusable_sources(world.now), testing::IsEmpty());
}

// One source of two gets no greeting, and nothing is known of the next hop.
TEST(Openings, AnOpeningThatHangsGivesItsMailToAnotherSource) {
  World world(learning_config(2));
  std::string hung;
  world.opening = [&](const OpenSession& order) {
    World::OpeningFate fate;
    const std::string source = order.source == 0 ? "s1" : "s2";
    if (hung.empty()) hung = source;
    if (source != hung) return fate;
    fate.connects = true;
    fate.failure = Failure::timeout;
    fate.phase = Phase::banner;
    fate.takes = 5min;
    return fate;
  };
  for (int i = 0; i < 30; ++i) world.send_to("a.example");
  world.run_for(9s);
  EXPECT_EQ(world.opens.size(), 1U) << "one finds out what several would";
  world.run_for(20s);
  EXPECT_EQ(world.count(Disposition::delivered), 30U);
  for (const auto& [key, end] : world.ends) EXPECT_EQ(end.attempts, 1);
}

// Where every source gets no greeting the second keeps its mail, and the hop rests when it fails.
TEST(Openings, OfADeadNextHopTwoFindOut) {
  World world(learning_config(4));
  world.opening = [](const OpenSession&) {
    World::OpeningFate fate;
    fate.connects = true;
    fate.failure = Failure::timeout;
    fate.phase = Phase::banner;
    fate.takes = 5min;
    return fate;
  };
  const MessageId id = world.send_to("a.example");
  for (int i = 0; i < 29; ++i) world.send_to("a.example");
  world.run_for(4min);
  EXPECT_LE(world.opens.size(), 2U + 4U) << "two with mail, and the knocks of the diagnosis";
  world.run_for(7min);
  std::size_t charged = 0;
  for (std::uint64_t i = id.value; i < id.value + 30; ++i)
    charged += world.view(MessageId{i}).attempts > 0 ? 1 : 0;
  EXPECT_GE(charged, 1U);
}

}  // namespace
}  // namespace mailweir::engine
