// An operator's hand that names a domain binds the provider that the domain's mail goes to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/test_world.h"

namespace mailweir::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class DomainHands : public testing::Test {
 protected:
  // Both domains are of one provider until `b_host` is changed.
  void make(EngineConfig config = plain_config()) {
    world = std::make_unique<World>(std::move(config));
    world->route = [this](const std::string& domain) {
      const std::string host = domain == "b.example" ? b_host : "mx.shared.test";
      return World::RouteFate{.failure = b_host.empty() ? b_failure : Failure::none,
                              .hosts = {{10, host}},
                              .time_to_live = 1min};
    };
  }
  void pause(const std::string& domain) {
    world->with_engine([&](Engine& e) {
      e.set_hand({.id = 1, .provider = domain, .names_domain = true}, world->now);
      return true;
    });
  }
  std::string bound() const { return world->engine->hands().at(0).bound; }

  std::string b_host = "mx.shared.test";
  Failure b_failure = Failure::dns_temporary;  // while `b_host` is empty
  std::unique_ptr<World> world;
};

TEST_F(DomainHands, BindWhatHasAlreadyBeenSentTo) {
  make();
  world->send_to("b.example");
  ASSERT_TRUE(world->drain(1min));
  pause("b.example");
  EXPECT_EQ(bound(), "mx.shared.test");
  EXPECT_EQ(world->engine->provider_of("b.example"), "mx.shared.test");
  world->send_to("b.example");
  world->send_to("a.example");
  world->run_for(10min);
  EXPECT_THAT(world->starts, SizeIs(1));
}

TEST_F(DomainHands, FindOutWhereTheMailGoesBeforeAnyIsSent) {
  make();
  EXPECT_EQ(world->engine->provider_of("b.example"), "");
  pause("b.example");
  EXPECT_EQ(bound(), "");
  world->run_for(1s);
  EXPECT_EQ(bound(), "mx.shared.test");
  EXPECT_THAT(world->hands_kept, ElementsAre(1));
  world->send_to("a.example");
  world->run_for(10min);
  EXPECT_THAT(world->starts, IsEmpty());
  EXPECT_TRUE(world->with_engine([&](Engine& e) { return e.remove_hand(1, world->now); }));
  EXPECT_TRUE(world->drain(1min));
}

TEST_F(DomainHands, BindOnceTheDomainCanBeLookedUp) {
  make();
  b_host.clear();
  pause("b.example");
  world->run_for(1s);
  EXPECT_EQ(bound(), "");
  b_host = "mx.shared.test";
  world->send_to("b.example");
  world->run_for(10min);
  EXPECT_EQ(bound(), "mx.shared.test");
  EXPECT_THAT(world->starts, IsEmpty());
}

TEST_F(DomainHands, AskAgainWithoutMailWhileTheDnsFails) {
  make();
  b_host.clear();
  pause("b.example");
  world->run_for(150s);
  EXPECT_THAT(world->resolved, SizeIs(3));
  b_host = "mx.shared.test";
  world->run_for(1min);
  EXPECT_EQ(bound(), "mx.shared.test");
  world->run_for(1h);
  EXPECT_THAT(world->resolved, SizeIs(4));
  world->send_to("a.example");
  world->run_for(10min);
  EXPECT_THAT(world->starts, IsEmpty());
}

TEST_F(DomainHands, AskSeldomForADomainThatDoesNotExist) {
  make();
  b_host.clear();
  b_failure = Failure::dns_no_such_domain;
  pause("b.example");
  world->run_for(9min);
  EXPECT_THAT(world->resolved, SizeIs(1));
  b_host = "mx.shared.test";
  world->run_for(2min);
  EXPECT_EQ(bound(), "mx.shared.test");
}

TEST_F(DomainHands, AskNoMoreOnceTakenBack) {
  make();
  b_host.clear();
  pause("b.example");
  world->run_for(1s);
  EXPECT_TRUE(world->with_engine([&](Engine& e) { return e.remove_hand(1, world->now); }));
  world->run_for(10min);
  EXPECT_THAT(world->resolved, SizeIs(1));
  EXPECT_EQ(world->engine->next_wakeup(), never);
}

TEST_F(DomainHands, AskWhenAllMailGoesOnEvenIfTheDomainWasForgotten) {
  make();
  b_host.clear();
  pause("b.example");
  world->run_for(1s);
  world->with_engine([&](Engine& e) {
    e.pause_all(world->now);
    return true;
  });
  world->run_for(48h);
  world->send_to("a.example");  // lets what is long without mail be forgotten
  EXPECT_THAT(world->resolved, SizeIs(1));
  b_host = "mx.shared.test";
  world->with_engine([&](Engine& e) {
    e.resume_all(world->now);
    return true;
  });
  world->run_for(1s);
  EXPECT_EQ(bound(), "mx.shared.test");
}

TEST_F(DomainHands, FollowTheDomainToAnotherProvider) {
  make();
  pause("b.example");
  world->run_for(2min);  // the route is not fresh any more
  b_host = "mx.other.test";
  world->send_to("b.example");
  world->run_for(10min);
  EXPECT_EQ(bound(), "mx.other.test");
  EXPECT_THAT(world->starts, IsEmpty());
  world->send_to("a.example");
  world->run_for(1min);
  EXPECT_THAT(world->starts, SizeIs(1));
}

TEST_F(DomainHands, KnowConfiguredRoutesWithoutALookUp) {
  EngineConfig config = plain_config();
  config.routes = {{.domain = "*.example", .hosts = {"relay.test"}, .provider = "ours"}};
  make(std::move(config));
  EXPECT_EQ(world->engine->provider_of("b.example"), "ours");
  pause("b.example");
  EXPECT_EQ(bound(), "ours");
  world->send_to("a.example");
  world->run_for(10min);
  EXPECT_THAT(world->starts, IsEmpty());
  EXPECT_THAT(world->resolved, IsEmpty());
}

TEST_F(DomainHands, BoundByAnEarlierRunTheyBindFromTheStart) {
  make();
  world->with_engine([&](Engine& e) {
    e.set_hand({.id = 1, .provider = "b.example", .names_domain = true, .bound = "mx.shared.test"},
               world->now);
    return true;
  });
  world->send_to("a.example");
  world->run_for(10min);
  EXPECT_THAT(world->starts, IsEmpty());
}

TEST(PathViews, APausedPathMovesWhenTheLastPauseHasEnded) {
  World world(plain_config());
  world.send_to("a.example");
  ASSERT_TRUE(world.drain(1min));
  const std::string provider = world.starts.at(0).provider;
  for (const std::uint64_t id : {1U, 2U}) {
    world.with_engine([&](Engine& e) {
      e.set_hand({.id = id, .provider = provider, .until = world.now + id * 1h}, world.now);
      return true;
    });
  }
  EXPECT_EQ(world.engine->explain("s1", provider, world.now).next_move, world.now + 2h);
  world.with_engine([&](Engine& e) {
    e.set_hand({.id = 3, .provider = provider}, world.now);
    return true;
  });
  EXPECT_EQ(world.engine->explain("s1", provider, world.now).next_move, never);
}

TEST(PathViews, MailBehindPausesSaysWhenTheFirstEndsAndWhoseTurnsItShares) {
  World world(learning_config(2));
  world.send_to("a.example");
  ASSERT_TRUE(world.drain(1min));
  const std::string provider = world.starts.at(0).provider;
  const auto pause = [&](const std::string& source, Duration lasts) {
    world.with_engine([&](Engine& e) {
      e.set_hand({.id = source == "s1" ? 1U : 2U,
                  .source = source,
                  .provider = provider,
                  .until = world.now + lasts},
                 world.now);
      return true;
    });
  };
  pause("s1", 2h);
  pause("s2", 40s);
  const Instant first_end = world.now + 40s;
  const MessageId id = world.send({.tenant = "acme"});
  world.send({.tenant = "other"});
  world.run_for(1s);
  const RecipientView view = world.view(id);
  EXPECT_EQ(view.reason, WaitReason::path_paused);
  EXPECT_EQ(view.until, first_end);
  EXPECT_EQ(view.tenants, 2U);
  EXPECT_EQ(view.rank, pacing::Rank::ordinary);
  ASSERT_TRUE(world.drain(1min));
}

TEST(PathViews, AProviderThatCannotBeReachedIsToldOfEachPathToIt) {
  World world(plain_config());
  world.send_to("a.example");
  ASSERT_TRUE(world.drain(1min));
  const std::string provider = world.starts.at(0).provider;
  EXPECT_FALSE(world.engine->explain("s1", provider, world.now).unreached);
  world.opening = [](const OpenSession&) {
    return World::OpeningFate{.failure = Failure::connect_refused};
  };
  world.run_for(1min);  // the idle session has gone
  const Instant failed = world.now;
  world.send_to("a.example");
  world.run_for(10s);
  const auto path = world.engine->explain("s1", provider, world.now);
  ASSERT_TRUE(path.unreached);
  EXPECT_TRUE(path.unreached->is_all);
  EXPECT_GE(path.unreached->since, failed);
  EXPECT_LE(path.unreached->since, failed + 1s);
  EXPECT_GT(path.unreached->next_try, world.now);
  world.opening = [](const OpenSession&) { return World::OpeningFate{}; };
  ASSERT_TRUE(world.drain(10min));
  EXPECT_FALSE(world.engine->explain("s1", provider, world.now).unreached);
}

TEST(PathViews, WhatIsLearnedIsToldApartFromTheCapThatBinds) {
  World world(learning_config(1));
  world.send_to("a.example");
  ASSERT_TRUE(world.drain(1min));
  const std::string provider = world.starts.at(0).provider;
  const auto learned = [&] { return world.engine->explain("s1", provider, world.now).learned; };
  const double before = learned()->own_pace;
  EXPECT_EQ(learned()->pace, before);
  EXPECT_FALSE(learned()->is_pace_learned);
  world.with_engine([&](Engine& e) {
    e.set_hand({.id = 1,
                .action = PathHand::Action::cap,
                .provider = provider,
                .rate = Rate{5, std::chrono::minutes(1)}},
               world.now);
    return true;
  });
  EXPECT_NEAR(learned()->pace, 5.0 / 60, 1e-6);
  EXPECT_EQ(learned()->own_pace, before);
}

}  // namespace
}  // namespace mailweir::engine
